package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/apply"
	"github.com/redcache/redcache/refresh/relation"
	"github.com/redcache/redcache/sql"
)

// analyseRules has PostgreSQL look at rows by the checks of a decision: at none, in a table with the view's columns, and takes that
// back. What it cannot compute is refused.
func analyseRules(ctx context.Context, tx pgx.Tx, c *decision, before []decision) error {
	rules, err := c.after.Rules()
	if err != nil || rules == nil {
		return err
	}
	err = infra.InSavepoint(ctx, tx, func(nested pgx.Tx) error {
		on, err := emptied(ctx, nested, c, rules, before)
		if err != nil {
			return err
		}
		for _, r := range rules {
			if err := on.analyse(ctx, nested, c.Name, r); err != nil {
				return ofRule(r, err)
			}
		}
		return errRehearsed
	})
	if invalid, is := errors.AsType[*catalog.InvalidError](err); is {
		invalid.What = "view " + c.Name.String()
	}
	if errors.Is(err, errRehearsed) {
		return nil
	}
	return err
}

// emptied makes empty tables for the view and for those that its rules refer to.
func emptied(ctx context.Context, tx pgx.Tx, c *decision, rules []catalog.Rule, before []decision) (on ruled, err error) {
	tables := 0
	table := func(columns []redshift.Column) (string, error) {
		name := fmt.Sprintf("redcache_input_%d", tables)
		tables++
		text := fmt.Sprintf("CREATE TEMPORARY TABLE %s (%s)", name, relation.ColumnDefinitions(catalog.View{}, apply.Local(columns)))
		return sql.Ident("pg_temp", name), plan.Run(ctx, tx, []plan.Step{{Title: "analyse the checks", SQL: text}})
	}
	on.referred = map[catalog.Name]string{}
	if on.relation, err = table(c.columns); err != nil {
		return on, err
	}
	on.referred[c.Name] = on.relation
	for _, r := range rules {
		if r.Kind != catalog.ReferencesRule {
			continue
		}
		columns := c.columns
		if r.View != c.Name {
			columns, err = referredColumns(ctx, tx, r.View, before)
		}
		if err == nil {
			err = findColumn(r, columns)
		}
		if err != nil {
			return on, ofRule(r, err)
		}
		if on.referred[r.View] == "" {
			if on.referred[r.View], err = table(columns); err != nil {
				return on, err
			}
		}
	}
	return on, nil
}

// findColumn refuses a rule that refers to a column that the other view does not have.
func findColumn(r catalog.Rule, columns []redshift.Column) error {
	names := redshift.Names(columns)
	if slices.Contains(names, r.ViewColumn) {
		return nil
	}
	fix := "name one of its columns"
	if near := infra.Nearest(r.ViewColumn, names); near != "" {
		fix = "did you mean " + near + "?"
	}
	return &catalog.InvalidError{Problem: fmt.Sprintf("%s has no column %s", r.View, r.ViewColumn), Fix: fix}
}

// referredColumns are those of a view that a rule refers to, as it is or as a decision makes it.
func referredColumns(ctx context.Context, tx pgx.Tx, name catalog.Name, decided []decision) ([]redshift.Column, error) {
	if at := slices.IndexFunc(decided, func(other decision) bool { return other.Name == name }); at >= 0 {
		if decided[at].Drop {
			return nil, &catalog.InvalidError{Problem: name.String() + " is to be dropped", Fix: "leave the check out"}
		}
		if decided[at].after.Rowless() {
			return nil, rowlessError(name)
		}
		return decided[at].columns, nil
	}
	v, err := catalog.In(tx).View(ctx, name)
	if missing, is := errors.AsType[*catalog.NotFoundError](err); is {
		fix := "name a view of the cache, which is there"
		if missing.Near != "" {
			fix = "did you mean " + missing.Near + "?"
		}
		return nil, &catalog.InvalidError{Problem: name.String() + " is no view of the cache", Fix: fix}
	}
	if err == nil && v.Rowless() {
		err = rowlessError(name)
	}
	if err != nil {
		return nil, err
	}
	return v.DescribedColumns()
}

// analyse has all that is asked for by a rule computed, of no rows.
func (on ruled) analyse(ctx context.Context, tx pgx.Tx, view catalog.Name, r catalog.Rule) error {
	if r.Kind == catalog.SQLRule {
		if err := on.analyseExpression(ctx, tx, view, r); err != nil {
			return notQuery(err)
		}
	}
	query := on.measure([]catalog.Rule{r})
	if alone(r) {
		query = on.countBroken(r)
	}
	_, err := texts(ctx, tx, query)
	if examples, _ := on.examples(r, nil); err == nil && examples != "" {
		_, err = texts(ctx, tx, examples)
	}
	return refusedExpression(err)
}

// analyseExpression refuses an expression that looks at more than the columns of a row, or does more than compute.
func (on ruled) analyseExpression(ctx context.Context, tx pgx.Tx, view catalog.Name, r catalog.Rule) error {
	err := infra.InSavepoint(ctx, tx, func(nested pgx.Tx) error {
		if err := makeExpression(ctx, nested, on, r); err != nil {
			return refusedExpression(err)
		}
		if err := checkPhysical(ctx, nested, map[catalog.Name]string{view: "redcache_input_0"}); err != nil {
			return err
		}
		var others []string
		if err := nested.QueryRow(ctx, sql.OutputReads).Scan(&others); err != nil {
			return wrap(err, "look what the check reads")
		}
		if len(others) > 0 {
			return &catalog.InvalidError{
				Problem: "it reads " + slices.Min(others), Fix: "look at the columns of a row only; references(…) looks into another view",
			}
		}
		if err := checkCalls(ctx, nested); err != nil {
			return err
		}
		return errRehearsed
	})
	if errors.Is(err, errRehearsed) {
		return nil
	}
	return err
}

// refusedExpression says what PostgreSQL has against what it is asked.
func refusedExpression(err error) error {
	server, said := errors.AsType[*pgconn.PgError](err)
	if !said || !refusedBy(redshift.Here, err) {
		return err
	}
	return &catalog.InvalidError{
		Problem: "PostgreSQL refuses it: " + infra.Bounded(server.Message), Fix: "write it for the types that the columns have here",
	}
}

// ofRule says which check cannot be as it is.
func ofRule(r catalog.Rule, err error) error {
	if invalid, is := errors.AsType[*catalog.InvalidError](err); is {
		return &catalog.InvalidError{Problem: "check " + infra.Printable(r.Text()) + ": " + invalid.Problem, Fix: invalid.Fix}
	}
	return wrap(err, "check "+infra.Printable(r.Text()))
}
