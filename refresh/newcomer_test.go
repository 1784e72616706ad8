package refresh_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh"
	"github.com/redcache/redcache/refresh/apply"
)

// rewrite is a strategy that only tests have: it deletes all rows and writes all rows, in place, with a key or without. It
// is what any strategy is: a function, a line in the catalog's table, and a line in that of what strategies do.
const rewrite catalog.Strategy = "rewrite"

func addRewrite() {
	catalog.Table = append(catalog.Table, catalog.Traits{
		Strategy: rewrite, Told: "deletes everything, writes everything", InPlace: catalog.Merge, Guarded: true,
	})
	apply.Strategies[rewrite] = apply.Strategy{Fill: fillRewrite}
}

func fillRewrite(ctx context.Context, tx pgx.Tx, t apply.Target) (apply.Filled, error) {
	before, table, after := rewriteSteps(t)
	if err := plan.Run(ctx, tx, before); err != nil {
		return apply.Filled{}, err
	}
	got, err := t.Session.Load(ctx, tx, t.Query, table)
	if err == nil {
		err = plan.Run(ctx, tx, after)
	}
	return apply.Filled{Frozen: t.Fresh && got.Frozen, Outcome: catalog.Outcome{
		AsOf: t.AsOf, Whole: true, RowsRead: got.Rows, BytesRead: got.Bytes,
		RowsInserted: got.Rows, RowsDeleted: t.Before, RowCount: got.Rows,
	}}, err
}

// rewriteSteps are what runs before and after the load of a table, which is the generation itself when it is new.
func rewriteSteps(t apply.Target) (before []plan.Step, table string, after []plan.Step) {
	if t.Fresh {
		return nil, t.Relation, nil
	}
	table = "pg_temp.rewritten"
	before = []plan.Step{
		{Title: "drop what is left", SQL: "DROP TABLE IF EXISTS " + table},
		{Title: "make room", SQL: "CREATE TEMPORARY TABLE rewritten (LIKE " + t.Relation + ") ON COMMIT DROP"},
	}
	after = []plan.Step{
		{Title: "delete everything", SQL: "DELETE FROM " + t.Relation, Live: true},
		{Title: "write everything", SQL: "INSERT INTO " + t.Relation + " SELECT * FROM " + table, Live: true},
	}
	return before, table, after
}

// A strategy that the engine has never heard of lives its whole life: nothing but the two tables knows it.
func TestNewcomer_LivesAWholeLife(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.view("sales", salesQuery, rewrite)
	b.wantSteps(t, func() ([]plan.Step, error) { return b.definer.PlanAdd(t.Context(), v, false) },
		"create generation", "load rows", "publish generation")
	b.add(t, v)
	b.wantEqual(t, v)

	reader := b.oldReader(t)
	b.change(t, `DELETE FROM public.sales WHERE id <= 100`)
	b.change(t, `INSERT INTO public.sales VALUES (2000, 'new', 1, NULL, '2026-02-01')`)
	b.wantSteps(t, func() ([]plan.Step, error) {
		return b.runner.Plan(t.Context(), refresh.Request{View: v.Name})
	}, "make room", "load rows", "delete everything", "write everything")
	run := b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, v)
	if run.Strategy != rewrite || run.Generation != 1 || *run.RowsRead != 901 || *run.RowsDeleted != 1000 {
		t.Errorf("the run says %s, generation %d, %d rows read, %d deleted", run.Strategy, run.Generation, *run.RowsRead, *run.RowsDeleted)
	}
	var seen int
	if err := reader.QueryRow(t.Context(), "SELECT count(*) FROM "+v.Name.SQL()).Scan(&seen); err != nil || seen != 1000 {
		t.Errorf("who was there before sees %d rows, %v", seen, err)
	}
	leave(t, reader)

	b.change(t, `CREATE TABLE public.kept AS SELECT * FROM public.sales`)
	b.change(t, `DELETE FROM public.sales WHERE id > 10`)
	if _, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name}); err == nil || !strings.Contains(infra.Hint(err), "--allow-shrink 100") {
		t.Errorf("a source that is gone is refused with %v", err)
	}
	b.change(t, `INSERT INTO public.sales SELECT * FROM public.kept WHERE id > 10`)
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, v)

	for _, to := range []catalog.Strategy{catalog.Swap, rewrite, catalog.Concurrent, rewrite, catalog.Merge, rewrite} {
		b.alterStrategy(t, v, to)
		b.change(t, `UPDATE public.sales SET amount = amount + 1`)
		if run := b.refresh(t, refresh.Request{View: v.Name}); run.Strategy != to {
			t.Errorf("the run after the change to %s says %s", to, run.Strategy)
		}
		b.wantEqual(t, v)
	}
	if run := b.refresh(t, refresh.Request{View: v.Name, Strategy: catalog.Swap}); run.Strategy != catalog.Swap {
		t.Errorf("for once, it is a %s", run.Strategy)
	}
	b.wantEqual(t, v)
	if err := b.definer.Drop(t.Context(), v.Name); err != nil {
		t.Error(err)
	}
	b.wantNothingLeft(t)
}

// In a group, it changes rows in place as its traits say, so who would switch does not. With a REFRESH, which shows its rows
// at once, all are switched, and so is it.
func TestNewcomer_InAGroup(t *testing.T) {
	t.Parallel()
	for _, transport := range []catalog.Transport{catalog.DblinkTransport, catalog.StreamTransport} {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			views := b.group(t, transport, rewrite, catalog.Swap, catalog.Merge)
			for age := 1; age <= 2; age++ {
				if err := b.grow(t.Context(), views); err != nil {
					t.Fatal(err)
				}
				run := b.refresh(t, refresh.Request{View: views[0].Name})
				b.wantAge(t, views, age)
				got := []catalog.Strategy{run.Strategy, run.Others[0].Strategy, run.Others[1].Strategy}
				if want := []catalog.Strategy{rewrite, catalog.Merge, catalog.Merge}; !slices.Equal(got, want) {
					t.Errorf("the runs say %v, want %v", got, want)
				}
			}
			if transport == catalog.StreamTransport {
				return
			}
			b.alterStrategy(t, views[2], catalog.Nonconcurrent)
			if err := b.grow(t.Context(), views); err != nil {
				t.Fatal(err)
			}
			before := b.refresh(t, refresh.Request{View: views[0].Name})
			b.wantAge(t, views, 3)
			after := b.refresh(t, refresh.Request{View: views[0].Name})
			if before.Strategy != rewrite || after.Generation <= before.Generation {
				t.Errorf("%s, generation %d and then %d: it is not switched with the others", before.Strategy, before.Generation, after.Generation)
			}
			b.wantNothingLeft(t)
		})
	}
}

// alterStrategy changes how a view is refreshed, with a key where that needs one.
func (b *bundle) alterStrategy(t *testing.T, v catalog.View, to catalog.Strategy) {
	t.Helper()
	_, err := b.definer.Alter(t.Context(), v.Name, func(v *catalog.View) error {
		if v.Strategy = to; !v.Meets(to) {
			v.Key = []string{"id"}
		}
		return nil
	}, false, nil)
	if err != nil {
		t.Fatalf("to %s: %v", to, err)
	}
}

// wantSteps wants a plan to have steps of these titles, in this order, among others.
func (b *bundle) wantSteps(t *testing.T, plan func() ([]plan.Step, error), titles ...string) {
	t.Helper()
	steps, err := plan()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, step := range steps {
		got = append(got, step.Title)
		if len(titles) > 0 && step.Title == titles[0] {
			titles = titles[1:]
		}
	}
	if len(titles) > 0 {
		t.Error(fmt.Sprintf("the plan has %q", got), "and not", titles)
	}
}
