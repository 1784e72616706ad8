package impact

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// Loss is what a change takes away from the readers of a view.
type Loss struct {
	View    catalog.Name
	Columns []string // that go, or change their type: then the view is made again
	Goes    bool     // all goes
	Remade  bool     // the view is dropped, and made again or not: nothing may depend on it
}

// By is how a use is known.
type By string

// The ways.
const (
	ByCatalog   By = "catalog"   // PostgreSQL knows of it, and does not drop the view
	ByText      By = "text"      // its text has the names in it
	ByStatement By = "statement" // somebody has asked it, as pg_stat_statements tells
)

// Use is something that uses what is taken away.
type Use struct {
	Of      catalog.Name
	By      By
	Kind    string   // as PostgreSQL calls it: view, materialized view, function, rule; or statement
	Name    string   // as it can be pasted; a statement's text, up to its first value
	Columns []string // among those that are taken away, that it names; * for all
	Through string   // the relation between the two; empty: it uses the view itself
	Role    string   // who asks the statement
	Calls   int64    // how often it was asked
}

// InTheWay says whether PostgreSQL refuses to drop the view while the user is there.
func (u Use) InTheWay() bool { return u.By == ByCatalog }

// most is how many uses of a kind are looked at.
const most = 1000

// Find returns who uses what is taken away, view by view, and what could not be looked at.
func Find(ctx context.Context, db catalog.DB, losses []Loss) (uses []Use, notes []string, err error) {
	losses = slices.DeleteFunc(slices.Clone(losses), func(l Loss) bool { return !l.Goes && !l.Remade })
	if len(losses) == 0 {
		return nil, nil, nil
	}
	db = infra.Pinned(db)
	depending, err := dependents(ctx, db, losses)
	if err != nil {
		return nil, nil, err
	}
	functions, err := functions(ctx, db, losses)
	if err != nil {
		return nil, nil, err
	}
	asked, notes, err := statements(ctx, db, losses)
	if err != nil {
		return nil, nil, err
	}
	if len(depending) == most || len(functions) == most || len(asked) == most {
		notes = append(notes, fmt.Sprintf("more than %d users were found of a kind; not all are shown", most))
	}
	return append(append(depending, functions...), asked...), notes, nil
}

type dependentRow struct {
	catalog.Name
	Kind    string
	Object  string
	Columns []string
	Through *string
}

// dependents are what PostgreSQL knows of.
func dependents(ctx context.Context, db catalog.DB, losses []Loss) (uses []Use, err error) {
	var schemas, names []string
	for _, l := range losses {
		schemas, names = append(schemas, l.View.Schema), append(names, l.View.View)
	}
	rows, err := db.Query(ctx, sql.Dependents, schemas, names, most)
	if err != nil {
		return nil, fmt.Errorf("look what depends on the views: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[dependentRow])
	if err != nil {
		return nil, fmt.Errorf("look what depends on the views: %w", err)
	}
	for _, row := range all {
		l := losses[slices.IndexFunc(losses, func(l Loss) bool { return l.View == row.Name })]
		u := Use{Of: row.Name, By: ByCatalog, Kind: row.Kind, Name: infra.Bounded(sql.Pasted(row.Object))}
		for _, c := range row.Columns {
			if l.Goes || slices.Contains(l.Columns, c) {
				u.Columns = append(u.Columns, c)
			}
		}
		if row.Through != nil {
			u.Through = sql.Pasted(*row.Through)
		}
		uses = append(uses, u)
	}
	return uses, nil
}

type functionRow struct{ Kind, Object, Body string }

// functions are those whose text has the names in it.
func functions(ctx context.Context, db catalog.DB, losses []Loss) (uses []Use, err error) {
	rows, err := db.Query(ctx, sql.MentioningFunctions, namesOf(losses), most)
	if err != nil {
		return nil, fmt.Errorf("look which functions name the views: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[functionRow])
	if err != nil {
		return nil, fmt.Errorf("look which functions name the views: %w", err)
	}
	for _, row := range all {
		words := wordsOf(row.Body)
		for _, l := range losses {
			if columns, found := words.use(l); found {
				uses = append(uses, Use{Of: l.View, By: ByText, Kind: row.Kind, Name: infra.Bounded(sql.Pasted(row.Object)), Columns: columns})
			}
		}
	}
	return uses, nil
}

func namesOf(losses []Loss) (names []string) {
	for _, l := range losses {
		names = append(names, l.View.View)
	}
	return names
}
