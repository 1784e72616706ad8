package relation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/sql"
)

// Switch is a view that is to show another generation, or that is to be made over its first one.
type Switch struct {
	View    catalog.View      // its Generation is the one that readers are to see
	Seen    *int32            // the one that they see; nil: there is none yet
	Below   *catalog.Relation // what has its rows; nil: nothing that could be found
	Columns []Column          // that readers are to see
	Carry   bool              // what people have put on the generation that readers see comes along

	// Published is the view as it was when readers were last looked to. [Publish] writes it.
	Published catalog.Published

	anew    bool        // its columns change, so that it has to be dropped and made again
	rowless []plan.Step // make the generation, where that is a view over what others of the set show from now on
	let     bool        // the generation that readers saw has gone, since it read what goes
}

// look finds out what is on the view now, and on the generation that its readers see, and gives the new one what comes along.
// From then on until the try ends nobody can grant or revoke anything on what goes away by it.
func (sw *Switch) look(ctx context.Context, tx pgx.Tx) (err error) {
	if sw.Published, err = PublishedOf(ctx, tx, sw.View); err != nil {
		return err
	}
	sw.anew = sw.Seen != nil && sw.Published.AtHome && !replaceable(sw.Published.Decorations.Columns, sw.Columns)
	if held := sw.holdSteps(); len(held) > 0 {
		if err = plan.Run(ctx, tx, held); err != nil {
			return err
		}
		if sw.Published, err = PublishedOf(ctx, tx, sw.View); err != nil { // as it is since nobody can change it any more
			return err
		}
	}
	var carried []plan.Step
	if sw.Carry || sw.View.Rowless() {
		if carried, err = CarrySteps(ctx, tx, sw.View, sw.Published); err != nil {
			return err
		}
	}
	if sw.View.Rowless() {
		sw.rowless = append(BuildSteps(sw.View, sw.View.Generation, sw.Columns, ""), carried...)
		return nil
	}
	return plan.Run(ctx, tx, carried)
}

// holdSteps keep others from granting and revoking, and from putting policies on a table. Rights have no lock, but PostgreSQL
// keeps them in one row for an object and one for each column. To take from everybody what nobody can give him writes these
// rows as they are, and whoever else wants to write them has to wait for the end of the transaction.
func (sw *Switch) holdSteps() (steps []plan.Step) {
	const title = "hold what is to be carried over"
	hold := func(object string, grants []catalog.Grant, columns []catalog.DecoratedColumn) {
		if grants != nil {
			steps = append(steps, plan.Step{Title: title, SQL: "REVOKE GRANT OPTION FOR SELECT ON " + object + " FROM PUBLIC"})
		}
		for _, c := range columns {
			if len(c.Grants) > 0 {
				steps = append(steps, plan.Step{Title: title, SQL: fmt.Sprintf("REVOKE GRANT OPTION FOR SELECT (%s) ON %s FROM PUBLIC", sql.Ident(c.Name), object)})
			}
		}
	}
	if sw.anew && sw.Published.Owned {
		hold(sw.Published.At.SQL(), sw.Published.Decorations.Grants, sw.Published.Decorations.Columns)
	}
	if r, had := sw.Below, sw.Published.Below; sw.Carry && r != nil && had != nil && r.Owned {
		relation := sw.View.RelationSQL(r.Number)
		if r.Kind == "r" {
			steps = append(steps, plan.Step{Title: title, Lock: plan.AccessShare, SQL: "LOCK TABLE " + relation + " IN ACCESS SHARE MODE"})
		}
		hold(relation, had.Grants, had.Columns)
	}
	return steps
}

// replaceable says whether CREATE OR REPLACE VIEW takes columns for those that a view has: it only adds some at the end.
func replaceable(had []catalog.DecoratedColumn, columns []Column) bool {
	return len(had) <= len(columns) && slices.EqualFunc(had, columns[:len(had)], func(h catalog.DecoratedColumn, c Column) bool {
		return h.Name == c.Name && h.Type == c.Type
	})
}

// checkRemake refuses to make a view anew that has what no other view can be given.
func checkRemake(v catalog.View, had catalog.Decorations) error {
	var loses []string
	if grant := passedOn(had.Grants, had.Columns); grant != "" {
		loses = append(loses, grant)
	}
	if loses = append(loses, had.Fixed...); len(loses) == 0 {
		return nil
	}
	return infra.Hinted(fmt.Errorf("view %s: its columns change, so it has to be made anew, and would lose what cannot "+
		"be given to another one: %s", v.Name, strings.Join(loses, ", ")),
		"Take that from the view first, and put it on again afterwards; or keep the old columns in the query.")
}

// makeSteps make a view that is not there, or not any more. Readers see no moment without it: all is one transaction.
func (sw *Switch) makeSteps(ctx context.Context, tx pgx.Tx) ([]plan.Step, error) {
	v, p := sw.View, sw.Published
	switch {
	case sw.anew:
		more, err := decorate(ctx, tx, v, *p.Decorations, names(sw.Columns))
		return slices.Concat(sw.rowless, []plan.Step{createViewStep(v, p.Decorations.Options, v.Generation, names(sw.Columns))}, more), err
	case sw.Seen != nil && p.AtHome && sw.rowless != nil:
		return append(sw.rowless, sw.repointStep()), nil
	case sw.Seen != nil && p.AtHome:
		return nil, nil
	}
	if len(v.Grantees) > 0 {
		if err := lock.Rights(ctx, tx); err != nil {
			return nil, err
		}
	}
	if err := ensureSchema(ctx, tx, v, p); err != nil {
		return nil, err
	}
	more, err := ViewSteps(ctx, tx, v, p.Remembered, v.Generation, names(sw.Columns))
	return append(sw.rowless, more...), err
}

func (sw *Switch) repointStep() plan.Step {
	return RepointStep(sw.View, sw.Published.Decorations.Options, sw.View.Generation, names(sw.Columns))
}

// emptySteps have a view let go of the generation that it shows, where the one that it is to show cannot be there yet: it shows
// nothing, in the columns that it has.
func (sw *Switch) emptySteps() []plan.Step {
	if sw.rowless == nil || sw.anew || !sw.Published.AtHome {
		return nil
	}
	had := sw.Published.Decorations
	columns := make([]string, len(had.Columns))
	for i, c := range had.Columns {
		columns[i] = fmt.Sprintf("NULL::%s AS %s", c.Type, sql.Ident(c.Name))
	}
	text := "CREATE OR REPLACE VIEW " + sw.View.Name.SQL() + optionsSQL(had.Options) + " AS SELECT " + strings.Join(columns, ", ")
	return []plan.Step{plan.Exclusively(plan.Step{Title: "let go of the old generation", SQL: text})}
}

// letGoSteps drop the generation that readers saw, where that had no rows: it would keep what it reads from being made anew, or
// dropped, and to have it back costs nothing.
func (sw *Switch) letGoSteps() []plan.Step {
	if r := sw.Below; r != nil && r.Rowless && r.Kind == "v" && r.Owned && !sw.let && r.Number != sw.View.Generation {
		return []plan.Step{dropGeneration(sw.View.Relation(r.Number), r.Kind)}
	}
	return nil
}

// dropGeneration drops a relation of some kind, as pg_class.relkind has it.
func dropGeneration(relation, kind string) plan.Step {
	text := "DROP " + kindSQL[kind] + " " + sql.Ident(catalog.DataSchema, relation)
	return plan.Step{Title: "drop generation", Lock: plan.AccessExclusive, SQL: text}
}
