package refresh

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh/relation"
	"github.com/redcache/redcache/sql"
)

// checkRows holds the rows that readers are to see against the view's checks. What only warns becomes a remark.
func (w *viewWork) checkRows(ctx context.Context) error {
	rules, err := w.view.Rules()
	if err != nil || rules == nil {
		return err
	}
	i := inspection{viewWork: w, ruled: ruled{relation: w.relation()}, rules: rules}
	if err := i.run(ctx); err != nil {
		return err
	}
	var failed []Offence
	for _, o := range i.found {
		if o.Rule.Warns {
			w.remarkOn(&CheckError{[]Offence{o}})
			continue
		}
		failed = append(failed, o)
	}
	if failed == nil {
		return nil
	}
	return &CheckError{failed}
}

// inspection is a look at the rows of a view by its rules.
type inspection struct {
	*viewWork
	ruled
	rules []catalog.Rule
	count int64 // of rows
	found []Offence
}

func (i *inspection) run(ctx context.Context) (err error) {
	if err := i.refer(ctx); err != nil {
		return err
	}
	if err := i.measureAll(ctx); err != nil {
		return err
	}
	for _, r := range i.rules {
		if alone(r) {
			if err := i.lookAlone(ctx, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// refer finds where the rows are of the views that the rules refer to: what is built of those that are built together, and of others
// what readers see. Their names are not asked: somebody else may have made another view of such a name, and what that calls would
// run as the owner of the cache.
func (i *inspection) refer(ctx context.Context) (err error) {
	i.referred = map[catalog.Name]string{}
	for _, r := range i.rules {
		switch {
		case r.Kind != catalog.ReferencesRule || i.referred[r.View] != "":
		case r.View == i.view.Name:
			i.referred[r.View] = i.ruled.relation
		default:
			if i.referred[r.View], err = i.hold(ctx, r.View); err != nil {
				return i.unchecked(err, r)
			}
		}
	}
	return nil
}

// hold keeps the generation of another view from being dropped, as a reader does, and returns its name.
func (i *inspection) hold(ctx context.Context, name catalog.Name) (string, error) {
	const enough, undefinedTable = 3, "42P01" // a switch and a clean-up have come between the two looks
	for n := 1; ; n++ {
		inputs, err := catalog.In(i.at.tx).Inputs(ctx, []catalog.Name{name}, i.at.set)
		if err != nil {
			return "", err
		}
		if inputs[name].Rowless {
			return "", rowlessError(name)
		}
		held := sql.Ident(catalog.DataSchema, inputs[name].Relation)
		if plan.Rehearses(i.at.tx) { // where it may never have been filled
			return held, nil
		}
		err = infra.InSavepoint(ctx, i.at.tx, func(nested pgx.Tx) error {
			_, err := nested.Exec(ctx, "SELECT FROM "+held+" LIMIT 0")
			return err
		})
		if relation.SQLState(err) != undefinedTable || n >= enough {
			return held, err
		}
	}
}

func rowlessError(name catalog.Name) error {
	return &catalog.InvalidError{Problem: name.String() + " keeps no rows", Fix: "refer to a view that it reads"}
}

// measureAll looks once at all rows, by the rules that need no more.
func (i *inspection) measureAll(ctx context.Context) error {
	rules := measured(i.rules)
	row, err := i.ask(ctx, i.measure(rules), "")
	if err != nil || row == nil {
		return i.unchecked(err, i.rules...)
	}
	i.count, row = number(row[0]), row[1:]
	for _, r := range rules {
		o := Offence{Rule: r}
		switch r.Kind {
		case catalog.RowsRule:
			o.Told = overLimit(i.count, r)
		case catalog.ChangeRule:
			o.Told = overChange(i.rowsBefore(), i.count, r)
		case catalog.FreshnessRule:
			o, row = aged(r, i.count, row[0], row[1]), row[2:]
		default:
			if err := i.tell(ctx, r, number(row[0])); err != nil {
				return err
			}
			row = row[1:]
		}
		if o.Told != "" {
			i.found = append(i.found, o)
		}
	}
	return nil
}

// lookAlone looks at the rows by one rule.
func (i *inspection) lookAlone(ctx context.Context, r catalog.Rule) error {
	if r.Kind == catalog.SQLRule {
		if err := i.checkExpression(ctx, i.ruled, r); err != nil {
			return err
		}
	}
	var lock plan.Lock
	if r.Kind == catalog.ReferencesRule && r.View != i.view.Name {
		lock = plan.AccessShare
	}
	row, err := i.ask(ctx, i.countBroken(r), lock)
	if err != nil || row == nil {
		return i.unchecked(err, r)
	}
	return i.tell(ctx, r, number(row[0]))
}

// checkExpression looks once more whose functions an expression calls: its names may mean something else by now.
func (w *viewWork) checkExpression(ctx context.Context, on ruled, r catalog.Rule) error {
	err := infra.InSavepoint(ctx, w.at.tx, func(nested pgx.Tx) error {
		if err := makeExpression(ctx, nested, on, r); err != nil {
			return err
		}
		if err := relation.CheckStrangers(ctx, nested, output); err != nil {
			return err
		}
		return errRehearsed
	})
	if errors.Is(err, errRehearsed) {
		return nil
	}
	return w.unchecked(notQuery(err), r)
}

// makeExpression makes a view of an expression over the rows.
func makeExpression(ctx context.Context, tx pgx.Tx, on ruled, r catalog.Rule) error {
	return plan.Run(ctx, tx, []plan.Step{{
		Title: "analyse the check",
		SQL:   fmt.Sprintf("CREATE TEMPORARY VIEW redcache_output AS SELECT (%s\n) AS holds FROM %s AS q", r.Expression, on.relation),
	}})
}

// notQuery says of an expression what is said of queries.
func notQuery(err error) error {
	if invalid, is := errors.AsType[*catalog.InvalidError](err); is {
		invalid.Problem = strings.Replace(invalid.Problem, "its query", "it", 1)
	}
	return err
}

// ask returns the one row of a statement; none in a rehearsal, which has no rows to look at.
func (w *viewWork) ask(ctx context.Context, query string, lock plan.Lock) ([]*string, error) {
	if w.seen() {
		lock = plan.AccessShare
	}
	if !plan.Sends(w.at.tx, plan.Step{Title: "check rows", SQL: query, Lock: lock, Live: true}) {
		return nil, nil
	}
	all, err := texts(ctx, w.at.tx, query)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// texts are the few rows of a query.
func texts(ctx context.Context, tx pgx.Tx, query string) ([][]*string, error) {
	rows, err := tx.Query(ctx, query, pgx.QueryExecModeExec, pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]*string, error) {
		values := make([]*string, len(row.FieldDescriptions()))
		for i, raw := range row.RawValues() {
			if raw != nil {
				text := string(raw)
				values[i] = &text
			}
		}
		return values, nil
	})
}

// tell says how many rows break a rule, if any, and shows some of them.
func (i *inspection) tell(ctx context.Context, r catalog.Rule, n int64) error {
	if n == 0 {
		return nil
	}
	o := Offence{Rule: r, Told: fmt.Sprintf("%d of %s", n, rowCount(i.count))}
	if query, columns := i.examples(r, i.view.Key); query != "" {
		rows, err := texts(ctx, i.at.tx, query)
		if err != nil {
			return i.unchecked(err, r)
		}
		label := ""
		if r.Kind != catalog.UniqueRule && len(i.view.Key) > 0 {
			label = "key "
		}
		o.Shown = "; " + label + shown(columns, rows)
	}
	i.found = append(i.found, o)
	return nil
}
