package refresh_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/refresh"
)

// localView returns a definition of a view over others of the cache.
func (b *bundle) localView(name, query string, strategy catalog.Strategy) catalog.View {
	v := b.view(name, query, strategy)
	v.Source = catalog.Defaults().Source
	v.Kind, v.Query, v.Link = catalog.LocalSource, query, catalog.Link{}
	v.Grantees = []string{pgtest.Reader}
	return v
}

// Inputs go by their names in a query, as they would if that were what is read; and a quoted name is as it stands.
func TestLocal_InputsGoByTheirNames(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	low, up := b.salesView(catalog.Swap), b.salesView(catalog.Swap)
	low.Name.View, up.Name.View = "low", "Up per"
	b.add(t, low)
	b.add(t, up)
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Live} {
		v := b.localView("of_"+string(strategy), `SELECT low.id, "Up per".amount FROM bi.low JOIN bi."Up per" ON "Up per".id = low.id WHERE low.id > 10`, strategy)
		b.add(t, v)
		if strategy != catalog.Live {
			b.refresh(t, refresh.Request{View: v.Name})
		}
		if got, want := rows(t, b.readers, "SELECT * FROM "+v.Name.SQL()), rows(t, b.source.Engine, "SELECT id, amount FROM public.sales WHERE id > 10"); !equalRows(got, want) {
			t.Errorf("%s: %d rows, the source has %d", strategy, len(got), len(want))
		}
	}
}

// A view over views of the cache has what its query says, as old as its oldest input.
func TestLocal_IsComputedFromItsInputs(t *testing.T) {
	t.Parallel()
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Merge, catalog.Auto} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			sales := b.salesView(catalog.Merge)
			first := b.add(t, sales)
			v := b.localView("regions", "SELECT region, count(*) AS sales, sum(s.amount) AS amount FROM "+sales.Name.SQL()+" s GROUP BY region", strategy)
			v.Key = []string{"region"}
			run := b.add(t, v)
			b.wantRows(t, v, rows(t, b.source.Engine, "SELECT region, count(*), sum(amount) FROM public.sales GROUP BY region"))
			if !run.AsOf.Equal(*first.AsOf) {
				t.Errorf("as of %s, and its input is of %s", run.AsOf, first.AsOf)
			}

			b.change(t, `DELETE FROM public.sales WHERE id <= 400`)
			b.refresh(t, refresh.Request{View: sales.Name})
			b.refresh(t, refresh.Request{View: v.Name})
			b.wantNothingLeft(t)
			b.wantRows(t, v, rows(t, b.source.Engine, "SELECT region, count(*), sum(amount) FROM public.sales GROUP BY region"))
		})
	}
}

// Views and what is computed from them take effect together, whatever their order.
func TestLocal_TakesEffectWithItsInputs(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	sales := b.salesView(catalog.Swap)
	regions := b.localView("regions", "SELECT region, sum(amount) AS amount FROM "+sales.Name.SQL()+" GROUP BY region", catalog.Swap)
	total := b.localView("total", "SELECT sum(amount) AS amount, count(*) AS regions FROM bi.regions", catalog.Swap)
	add := func(v catalog.View) refresh.Change {
		return refresh.Change{Name: v.Name, Add: true, Define: func(to *catalog.View) error { *to = v; return nil }}
	}
	if _, err := b.definer.Apply(t.Context(), []refresh.Change{add(total), add(regions), add(sales)}); err != nil {
		t.Fatal(err)
	}
	b.wantEqual(t, sales)
	b.wantRows(t, total, rows(t, b.source.Engine, "SELECT sum(amount), count(DISTINCT region) FROM public.sales"))

	// Another query below: all that stands on it changes in the same moment.
	below := func(v *catalog.View) error {
		v.Query = "SELECT id, region, 2 * amount AS amount FROM public.sales"
		return nil
	}
	above := func(v *catalog.View) error { v.Indexes = []string{"region"}; return nil }
	top := func(v *catalog.View) error {
		v.Query = "SELECT sum(amount) AS amount, count(*) AS n FROM bi.regions"
		return nil
	}
	if _, err := b.definer.Apply(t.Context(), []refresh.Change{
		{Name: total.Name, Define: top}, {Name: sales.Name, Define: below}, {Name: regions.Name, Define: above},
	}); err != nil {
		t.Fatal(err)
	}
	b.wantRows(t, total, rows(t, b.source.Engine, "SELECT 2 * sum(amount), count(DISTINCT region) FROM public.sales"))
	b.wantNothingLeft(t)
}

// What is wrong with a local view, and what would break one, is refused, and says so.
func TestLocal_RefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	sales := b.salesView(catalog.Swap)
	b.add(t, sales)
	regions := b.localView("regions", "SELECT region, sum(amount) AS amount FROM "+sales.Name.SQL()+" GROUP BY region", catalog.Swap)
	b.add(t, regions)
	stranger := "stranger_" + b.cache.Name
	b.sudo(t, `CREATE ROLE `+stranger)
	b.sudo(t, `CREATE FUNCTION public.shout(varchar) RETURNS varchar IMMUTABLE LANGUAGE sql AS 'SELECT upper($1)';
		CREATE FUNCTION public.louder(varchar, varchar) RETURNS varchar IMMUTABLE LANGUAGE sql AS 'SELECT $1';
		ALTER FUNCTION public.shout OWNER TO `+stranger+`; ALTER FUNCTION public.louder OWNER TO `+stranger+`;
		CREATE OPERATOR public.!!! (FUNCTION = public.louder, LEFTARG = varchar, RIGHTARG = varchar)`)
	with := func(change func(*catalog.View)) catalog.View {
		v := b.localView("wrong", "SELECT region FROM bi.regions", catalog.Swap)
		change(&v)
		return v
	}
	for name, tt := range map[string]struct {
		v    catalog.View
		says string
	}{
		"no such view":  {with(func(v *catalog.View) { v.Query = "SELECT 1 AS a FROM bi.region" }), "bi.region"},
		"no schema":     {with(func(v *catalog.View) { v.Query = "SELECT 1 AS a FROM regions" }), "names regions without a schema"},
		"another table": {with(func(v *catalog.View) { v.Query = "SELECT 1 AS a FROM bi.regions, redcache.view" }), "redcache.view"},
		"what no lexer of Redshift's sees": {
			with(func(v *catalog.View) { v.Query = "SELECT 1 AS a FROM bi.regions WHERE EXISTS (TABLE redcache.link)" }),
			"reads redcache.link, which is no view of the cache",
		},
		"nothing":        {with(func(v *catalog.View) { v.Query = "SELECT 1 AS a" }), "reads no view of the cache"},
		"no such column": {with(func(v *catalog.View) { v.Query = "SELECT nope FROM bi.regions" }), "nope"},
		"materialized":   {with(func(v *catalog.View) { v.Strategy = catalog.Nonconcurrent }), "would not let go of old generations of what it reads"},
		"a group":        {with(func(v *catalog.View) { v.Group = "g" }), "a group is of one snapshot of Redshift"},
		"a link":         {with(func(v *catalog.View) { v.LinkName = "dw" }), "is not read through a link"},
		"a watermark": {
			with(func(v *catalog.View) {
				v.Strategy, v.Key, v.Watermark = catalog.Incremental, []string{"region"}, "region"
			}),
			"a watermark is for a source on Redshift",
		},
		"a volatile function": {with(func(v *catalog.View) { v.Query = "SELECT region, random() AS r FROM bi.regions" }), "pg_catalog.random, which is volatile"},
		"one that asks anything": {with(func(v *catalog.View) {
			v.Query = "SELECT region FROM bi.regions WHERE query_to_xml('SELECT 1', true, true, '') IS NULL"
		}), "pg_catalog.query_to_xml, which is volatile"},
		"a stranger's function": {with(func(v *catalog.View) { v.Query = "SELECT public.shout(region) AS region FROM bi.regions" }), "its query uses function public.shout, which belongs to role " + stranger},
		"a stranger's operator": {with(func(v *catalog.View) { v.Query = "SELECT region OPERATOR(public.!!!) region AS region FROM bi.regions" }), "its query uses function public.louder, which belongs to role " + stranger},
		"a row as a column": {
			with(func(v *catalog.View) { v.Query = "SELECT r AS a FROM bi.regions r" }), "its query has a row of bi.regions as a value",
		},
		"rows within a value": {
			with(func(v *catalog.View) {
				v.Query = "SELECT x.id, array_agg(r) AS a FROM bi.regions r JOIN " + sales.Name.SQL() + " x ON x.region = r.region GROUP BY x.id"
			}),
			"its query has a row of bi.regions as a value",
		},
		"a system column":    {with(func(v *catalog.View) { v.Query = "SELECT ctid AS a FROM bi.regions" }), "names ctid of bi.regions, which is a system column"},
		"one that is hidden": {with(func(v *catalog.View) { v.Query = "SELECT region FROM bi.regions ORDER BY xmin::text" }), "names xmin of bi.regions"},
		"locks on rows":      {with(func(v *catalog.View) { v.Query = "SELECT region FROM bi.regions FOR UPDATE" }), "locks rows"},
		"itself":             {with(func(v *catalog.View) { v.Query = "SELECT 1 AS a FROM bi.wrong" }), "reads itself"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := b.definer.Add(t.Context(), tt.v, false, nil); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want what says %q", err, tt.says)
			}
		})
	}
	for name, tt := range map[string]struct {
		change refresh.Change
		says   string
	}{
		"dropped": {refresh.Change{Name: sales.Name, Drop: true}, "bi.regions is computed from it"},
		"a column goes": {refresh.Change{Name: sales.Name, Define: func(v *catalog.View) error {
			v.Query = "SELECT id, amount FROM public.sales"
			return nil
		}}, "bi.regions is computed from it"},
		"a column is of another type": {refresh.Change{Name: sales.Name, Define: func(v *catalog.View) error {
			v.Query = "SELECT id, region, amount::double precision AS amount FROM public.sales"
			return nil
		}}, "would return other columns"},
		"a circle": {refresh.Change{Name: sales.Name, Define: func(v *catalog.View) error {
			v.Source = catalog.Defaults().Source
			v.Kind, v.Query, v.Link = catalog.LocalSource, "SELECT region, 1::numeric AS amount, 1 AS id FROM bi.regions", catalog.Link{}
			return nil
		}}, "reads itself, through others perhaps"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := b.definer.Apply(t.Context(), []refresh.Change{tt.change}); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want what says %q", err, tt.says)
			}
		})
	}
	b.wantEqual(t, sales)
	b.wantNothingLeft(t)
}

// A local view is due by its label: once every input has reached it, and then once.
func TestLocal_IsDueOnceItsInputsHaveReachedItsLabel(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	const every = 24 * time.Hour
	sales := b.salesView(catalog.Swap)
	b.add(t, sales)
	regions := b.localView("regions", "SELECT region, sum(amount) AS amount FROM "+sales.Name.SQL()+" GROUP BY region", catalog.Swap)
	regions.RefreshEvery = every
	first := b.add(t, regions)
	store := catalog.In(b.pool)
	state := func() catalog.State {
		t.Helper()
		_, s, err := store.ViewAndState(t.Context(), regions.Name)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	label := first.AsOf.Truncate(every).Add(every)
	if got := state().NextDue; got == nil || !got.Equal(label) {
		t.Fatalf("next due %v, want the label %s", got, label)
	}

	// Two days ago all of it happened: its label has come, and its input has not reached it.
	past := func() { b.exec(t, `UPDATE redcache.generation SET as_of = as_of - interval '2 days'`) }
	past()
	b.exec(t, `UPDATE redcache.state SET next_due = next_due - interval '2 days'`)
	wantDue := func(want int) {
		t.Helper()
		due, err := store.Due(t.Context(), nil, 10)
		if err != nil || len(due) != want {
			t.Fatalf("due are %v, %v; want %d", due, err, want)
		}
		if want == 0 {
			if run, err := b.runner.Refresh(t.Context(), refresh.Request{View: regions.Name, OnlyIfDue: true}); err != nil || run.ID != 0 {
				t.Errorf("it was refreshed all the same: %+v, %v", run, err)
			}
		}
	}
	wantDue(0)
	b.refresh(t, refresh.Request{View: sales.Name})
	wantDue(1)
	claims, err := store.Claim(t.Context(), 10, time.Minute, time.Minute)
	if err != nil || len(claims) != 1 || claims[0].LinkID != 0 {
		t.Fatalf("claimed %v, %v", claims, err)
	}
	run := b.refresh(t, refresh.Request{View: regions.Name, OnlyIfDue: true})
	if got, want := *state().NextDue, run.AsOf.Truncate(every).Add(every); !got.Equal(want) {
		t.Errorf("next due %s, want %s: missed labels are caught up once", got, want)
	}
	b.exec(t, `UPDATE redcache.state SET queued_until = NULL`)
	wantDue(0)
}
