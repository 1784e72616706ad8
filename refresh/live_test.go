package refresh_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh"
)

const liveQuery = "SELECT region, count(*) AS sales, sum(s.amount) AS amount FROM bi.sales s GROUP BY region"

// liveOver adds bi.sales, and a live view over it.
func (b *bundle) liveOver(t *testing.T, strategy catalog.Strategy) (sales, live catalog.View) {
	t.Helper()
	sales = b.salesView(strategy)
	sales.Name.View = "sales"
	b.add(t, sales)
	live = b.localView("regions", liveQuery, catalog.Live)
	if run, err := b.definer.Add(t.Context(), live, false, nil); err != nil || run.ID != 0 {
		t.Fatalf("run %+v, %v", run, err)
	}
	return sales, live
}

func (b *bundle) wantLive(t *testing.T, live catalog.View) {
	t.Helper()
	b.wantRows(t, live, rows(t, b.source.Engine, "SELECT region, count(*), sum(amount) FROM public.sales GROUP BY region"))
}

// A live view shows what its inputs show, at once and as old as they are, and is never refreshed.
func TestLive_ShowsWhatItsInputsShow(t *testing.T) {
	t.Parallel()
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Merge, catalog.Nonconcurrent} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			sales, live := b.liveOver(t, strategy)
			b.wantLive(t, live)
			b.change(t, `DELETE FROM public.sales WHERE id <= 400`)
			run := b.refresh(t, refresh.Request{View: sales.Name})
			b.wantLive(t, live)
			if _, state := b.stateOf(t, live); state.AsOf == nil || !state.AsOf.Equal(*run.AsOf) || state.NextDue != nil || state.RowCount != nil {
				t.Errorf("as of %v, due %v, %v rows; its input is as of %s", state.AsOf, state.NextDue, state.RowCount, run.AsOf)
			}
			none, err := b.runner.Refresh(t.Context(), refresh.Request{View: live.Name})
			if err != nil || none.State != catalog.Unchanged || none.Reason == nil || !strings.Contains(*none.Reason, "keeps no rows") {
				t.Errorf("a refresh of it: %s, %v, %v", none.State, none.Reason, err)
			}
			b.wantNothingLeft(t)

			if err := b.definer.Drop(t.Context(), sales.Name); err == nil || !strings.Contains(err.Error(), "bi.regions is computed from it") {
				t.Errorf("its input is dropped: %v", err)
			}
			for _, name := range []catalog.Name{live.Name, sales.Name} {
				if err := b.definer.Drop(t.Context(), name); err != nil {
					t.Error(err)
				}
			}
			b.wantNothingLeft(t)
		})
	}
}

// A view changes between having rows and having none, and readers do not notice.
func TestLive_BecomesAndCeases(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	sales, live := b.liveOver(t, catalog.Swap)
	alter := func(strategy catalog.Strategy, noData bool) {
		t.Helper()
		_, err := b.definer.Alter(t.Context(), live.Name, func(v *catalog.View) (err error) {
			v.Definition, err = catalog.Draft{Strategy: &strategy}.Change(v.Definition)
			return err
		}, noData, nil)
		if err != nil {
			t.Fatal(err)
		}
		b.wantLive(t, live)
	}
	b.exec(t, `GRANT SELECT ON redcache_data.v2_g1 TO `+pgtest.Reader+`; ALTER DEFAULT PRIVILEGES IN SCHEMA redcache_data GRANT SELECT ON TABLES TO PUBLIC`)
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Live, catalog.Auto, catalog.Live} {
		alter(strategy, false)
		b.wantNothingLeft(t)
		may := rows(t, b.pool, `SELECT a.grantee::regrole FROM pg_class c, aclexplode(c.relacl) a
			WHERE c.relnamespace = 'redcache_data'::regnamespace AND c.relname ~ '^v2_' AND a.grantee <> c.relowner`)
		if !slices.Equal(may, []string{`"` + pgtest.Reader + `" `}) {
			t.Errorf("%s: its generation may be read by %v", strategy, may)
		}
	}
	alter(catalog.Swap, true)
	b.refresh(t, refresh.Request{View: live.Name})
	b.wantLive(t, live)
	alter(catalog.Live, true)
	b.change(t, `DELETE FROM public.sales WHERE id <= 400`)
	b.refresh(t, refresh.Request{View: sales.Name})
	b.wantLive(t, live)
	b.wantNothingLeft(t)
}

// What is computed from a live view reads what that one reads, and is as old.
func TestLive_IsRead(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	sales, _ := b.liveOver(t, catalog.Swap)
	above := b.localView("above", "SELECT r.region, r.amount AS total FROM bi.regions r JOIN bi.sales s ON s.region = r.region GROUP BY 1, 2", catalog.Live)
	if _, err := b.definer.Add(t.Context(), above, false, nil); err != nil {
		t.Fatal(err)
	}
	top := b.localView("top", "SELECT sum(a.total) AS total, (SELECT count(*) FROM bi.regions) AS n FROM bi.above a", catalog.Swap)
	run := b.add(t, top)
	want := func() {
		t.Helper()
		b.wantRows(t, top, rows(t, b.source.Engine, "SELECT sum(amount), count(DISTINCT region) FROM public.sales"))
	}
	want()
	if _, state := b.stateOf(t, sales); !run.AsOf.Equal(*state.AsOf) {
		t.Errorf("as of %s, and its input is of %s", run.AsOf, state.AsOf)
	}
	b.change(t, `DELETE FROM public.sales WHERE id <= 400`)
	b.refresh(t, refresh.Request{View: sales.Name})
	steps, err := b.runner.Plan(t.Context(), refresh.Request{View: top.Name})
	if i := slices.IndexFunc(steps, func(s plan.Step) bool { return s.Title == "load rows" }); err != nil || i < 0 || strings.Contains(steps[i].SQL, `"bi"."`) {
		t.Errorf("it holds up the switches of what it reads: %v, %v", steps, err)
	}
	b.refresh(t, refresh.Request{View: top.Name})
	want()
	if _, state := b.stateOf(t, top); !state.AsOf.Equal(b.asOf(t, sales)) || !state.AsOf.Equal(b.asOf(t, above)) {
		t.Errorf("as of %s", state.AsOf)
	}
	if got := rows(t, b.readers, `SELECT count(*) FROM redcache.freshness WHERE as_of IS NULL OR stale`); got[0] != `"0" ` {
		t.Errorf("%v views are of no age", got)
	}
	b.wantNothingLeft(t)
}

// What a view without rows cannot be is refused, and says so, before anything is done.
func TestLive_RefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	b.liveOver(t, catalog.Swap)
	later := b.view("later", "SELECT id FROM public.sales", catalog.Swap)
	if _, err := b.definer.Add(t.Context(), later, true, nil); err != nil {
		t.Fatal(err)
	}
	for query, says := range map[string]string{
		`SELECT region COLLATE "C" AS region FROM bi.regions`: `its column region has collation "C"`,
		"SELECT id FROM bi.later":                             "its input bi.later has no rows yet",
		"SELECT region, random() AS r FROM bi.regions":        "pg_catalog.random, which is volatile",
		"SELECT region FROM bi.wrong":                         "reads itself",
	} {
		if _, err := b.definer.Add(t.Context(), b.localView("wrong", query, catalog.Live), false, nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want what says %q", query, err, says)
		}
	}
	adding := []refresh.Change{}
	for _, v := range []catalog.View{b.view("new", "SELECT id FROM public.sales", catalog.Swap), b.localView("over", "SELECT id FROM bi.new", catalog.Live)} {
		adding = append(adding, refresh.Change{Name: v.Name, Add: true, NoData: true, Define: func(to *catalog.View) error { *to = v; return nil }})
	}
	if _, err := b.definer.Apply(t.Context(), adding); err == nil || !strings.Contains(err.Error(), "its input bi.new has no rows yet") {
		t.Errorf("its input is added without rows: %v", err)
	}
	if _, err := b.runner.Refresh(t.Context(), refresh.Request{View: catalog.Name{Schema: "bi", View: "sales"}, Strategy: catalog.Live}); err == nil ||
		!strings.Contains(err.Error(), "its rows are not kept as live needs it") {
		t.Errorf("a refresh by it: %v", err)
	}
	b.wantNothingLeft(t)
}

// An input whose columns change is made anew, and so is what is made over it, which its readers do not notice.
func TestLive_ItsInputChanges(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	sales, live := b.liveOver(t, catalog.Swap)
	above := b.localView("above", "SELECT r.region, r.amount AS total FROM bi.regions r", catalog.Live)
	if _, err := b.definer.Add(t.Context(), above, false, nil); err != nil {
		t.Fatal(err)
	}
	alter := func(query string, noData bool) error {
		_, err := b.definer.Alter(t.Context(), sales.Name, func(v *catalog.View) error { v.Query = query; return nil }, noData, nil)
		return err
	}
	if err := alter("SELECT region, id, amount, id AS more FROM public.sales", true); err == nil || !strings.Contains(err.Error(), "bi.regions is made over it") {
		t.Errorf("without data: %v", err)
	}
	if err := alter("SELECT id, region, note FROM public.sales", false); err == nil || !strings.Contains(err.Error(), "bi.regions is computed from it") {
		t.Errorf("what it needs goes: %v", err)
	}
	if err := alter("SELECT region, id, amount, id AS more FROM public.sales", false); err != nil {
		t.Fatal(err)
	}
	b.wantLive(t, live)
	stored, _ := b.stateOf(t, sales)
	b.wantEqual(t, stored)
	b.wantRows(t, above, rows(t, b.source.Engine, "SELECT region, sum(amount) FROM public.sales GROUP BY region"))
	b.wantNothingLeft(t)

	// All of them at once.
	set := func(v catalog.View, query string) refresh.Change {
		return refresh.Change{Name: v.Name, Define: func(v *catalog.View) error { v.Query = query; return nil }}
	}
	_, err := b.definer.Apply(t.Context(), []refresh.Change{
		set(above, "SELECT r.n::text AS region, r.region AS total FROM bi.regions r"),
		set(live, "SELECT count(*) AS n, region FROM bi.sales s GROUP BY region"),
		set(sales, "SELECT region, id FROM public.sales"),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.wantRows(t, above, rows(t, b.source.Engine, "SELECT count(*)::text, region FROM public.sales GROUP BY region"))
	b.wantNothingLeft(t)
}
