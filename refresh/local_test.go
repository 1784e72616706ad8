package refresh_test

import (
	"testing"

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

// A view over views of the cache has what its query says, as old as its oldest input.
func TestLocal_IsComputedFromItsInputs(t *testing.T) {
	t.Parallel()
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Merge} {
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
	below := func(v *catalog.View) error { v.Query = "SELECT id, region, 2 * amount AS amount FROM public.sales"; return nil }
	above := func(v *catalog.View) error { v.Indexes = []string{"region"}; return nil }
	top := func(v *catalog.View) error { v.Query = "SELECT sum(amount) AS amount, count(*) AS n FROM bi.regions"; return nil }
	if _, err := b.definer.Apply(t.Context(), []refresh.Change{
		{Name: total.Name, Define: top}, {Name: sales.Name, Define: below}, {Name: regions.Name, Define: above},
	}); err != nil {
		t.Fatal(err)
	}
	b.wantRows(t, total, rows(t, b.source.Engine, "SELECT 2 * sum(amount), count(DISTINCT region) FROM public.sales"))
	b.wantNothingLeft(t)
}
