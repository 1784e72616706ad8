package refresh_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/cachetest"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh"
)

// What a dry run prints is what runs: of every strategy, through every transport, over a whole life, the plan has the
// statements that the server then logs, in their order.
func TestPlan_IsWhatRuns(t *testing.T) {
	t.Parallel()
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		its, _ := strategy.Traits()
		for _, transport := range []catalog.Transport{catalog.DblinkTransport, catalog.StreamTransport} {
			if !its.Takes(transport) {
				continue
			}
			t.Run(string(strategy)+" "+string(transport), func(t *testing.T) {
				t.Parallel()
				p := setupLogged(t)
				v := p.salesView(strategy)
				v.Transport = transport
				p.wholeLife(t, v)
				p.wantNothingLeft(t)
			})
		}
	}
}

func (p *logged) wholeLife(t *testing.T, v catalog.View) {
	p.add(t, v, false)
	p.change(t, `UPDATE public.sales SET amount = amount + 1, updated_at = '2026-02-01' WHERE id <= 10`)
	p.refresh(t, refresh.Request{View: v.Name})
	p.change(t, `DELETE FROM public.sales WHERE id BETWEEN 5 AND 8`)
	p.refresh(t, refresh.Request{View: v.Name, Whole: true})
	for _, c := range []struct {
		what   string
		change func(v *catalog.View)
	}{
		{"when it is refreshed", func(v *catalog.View) { v.RefreshEvery = time.Hour }},
		{"an index", func(v *catalog.View) { v.Indexes = []string{"region"} }},
		{"a key", func(v *catalog.View) { v.Key = []string{"id", "region"} }},
		{"a column comes", func(v *catalog.View) {
			v.Query = "SELECT id, region, amount, note, updated_at, 1 AS one FROM public.sales"
		}},
		{"a column changes", retype},
		{"a column goes", func(v *catalog.View) { v.Query = "SELECT id, region, note, updated_at FROM public.sales" }},
		{"nobody may read it", func(v *catalog.View) { v.Grantees = nil }},
		{"a group", func(v *catalog.View) { v.Group = "alone" }},
		{"no group", func(v *catalog.View) { v.Group = "" }},
	} {
		p.alter(t, v.Name, "alter: "+c.what, false, c.change)
	}
	p.alter(t, v.Name, "alter: another index, without data", true, func(v *catalog.View) { v.Indexes = []string{"note"} })
	p.refresh(t, refresh.Request{View: v.Name})
	// To each other strategy the locks are held against the plan by another test.
	all := catalog.Of(catalog.RemoteSource)
	at := slices.Index(all, v.Strategy)
	for _, to := range []catalog.Strategy{all[(at+1)%len(all)], v.Strategy} {
		its, _ := to.Traits()
		p.alter(t, v.Name, "alter: strategy "+string(to), false, func(v *catalog.View) {
			v.Strategy, v.Watermark, v.Lookback = to, "", ""
			if !its.Takes(v.Transport) {
				v.Transport = catalog.AutoTransport
			}
			if its.Watermark {
				v.Watermark, v.Lookback = "updated_at", "1m"
			}
		})
		p.refresh(t, refresh.Request{View: v.Name})
	}
	p.drop(t, v.Name)
}

// A group changes and is refreshed as one.
func TestPlan_OfAGroupIsWhatRuns(t *testing.T) {
	t.Parallel()
	for name, strategies := range map[string][]catalog.Strategy{
		"in place": {catalog.Merge, catalog.Incremental}, "by switches": {catalog.Swap, catalog.Nonconcurrent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := setupLogged(t)
			views := p.group(t, catalog.AutoTransport, strategies...)
			if err := p.grow(t.Context(), views); err != nil {
				t.Fatal(err)
			}
			p.refresh(t, refresh.Request{View: views[1].Name})
			p.alter(t, views[0].Name, "alter: an index", false, func(v *catalog.View) { v.Indexes = []string{"age"} })
			p.drop(t, views[1].Name)
		})
	}
}

// A local view is made, refreshed and changed as planned, and so is a set of one with its input.
func TestPlan_OfALocalViewIsWhatRuns(t *testing.T) {
	t.Parallel()
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Merge} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			p := setupLogged(t)
			sales := p.salesView(catalog.Swap)
			p.add(t, sales, false)
			v := p.localView("regions", "SELECT region, sum(amount) AS amount FROM "+sales.Name.SQL()+" GROUP BY region", strategy)
			v.Key = []string{"region"}
			p.add(t, v, false)
			p.change(t, `DELETE FROM public.sales WHERE id BETWEEN 5 AND 8`)
			p.refresh(t, refresh.Request{View: sales.Name})
			p.refresh(t, refresh.Request{View: v.Name})
			p.alter(t, v.Name, "alter: an index", false, func(v *catalog.View) { v.Indexes = []string{"amount"} })
			changes := []refresh.Change{
				{Name: v.Name, Define: func(v *catalog.View) error {
					v.Query = "SELECT region, max(twice) AS amount FROM " + sales.Name.SQL() + " GROUP BY region"
					return nil
				}},
				{Name: sales.Name, Define: func(v *catalog.View) error {
					v.Query, v.Key, v.Indexes, v.Watermark = "SELECT id, region, 2 * amount AS twice FROM public.sales", nil, nil, ""
					return nil
				}},
			}
			p.compare(t, "both", func() ([]plan.Step, error) { return p.definer.Plan(t.Context(), changes) },
				func() error { _, err := p.definer.Apply(t.Context(), changes); return err })
			p.drop(t, v.Name)
			p.wantNothingLeft(t)
		})
	}
}

// logged is a bundle whose server logs all statements of the cache database.
type logged struct {
	*bundle
	log pgtest.Statements
}

func setupLogged(t *testing.T) *logged {
	t.Helper()
	cache := cachetest.New(t)
	log := pgtest.LogStatements(t, cache)
	return &logged{setupIn(t, cache, salesSQL...), log}
}

func (p *logged) add(t *testing.T, v catalog.View, noData bool) {
	t.Helper()
	p.compare(t, "add", func() ([]plan.Step, error) { return p.definer.PlanAdd(t.Context(), v, noData) },
		func() error { _, err := p.definer.Add(t.Context(), v, noData, nil); return err })
}

func (p *logged) refresh(t *testing.T, req refresh.Request) {
	t.Helper()
	p.compare(t, "refresh", func() ([]plan.Step, error) { return p.runner.Plan(t.Context(), req) },
		func() error { _, err := p.runner.Refresh(t.Context(), req); return err })
}

func (p *logged) alter(t *testing.T, name catalog.Name, what string, noData bool, change func(v *catalog.View)) {
	t.Helper()
	to := func(v *catalog.View) error { change(v); return nil }
	p.compare(t, what, func() ([]plan.Step, error) { return p.definer.PlanAlter(t.Context(), name, to, noData) },
		func() error { _, err := p.definer.Alter(t.Context(), name, to, noData, nil); return err })
}

func (p *logged) drop(t *testing.T, name catalog.Name) {
	t.Helper()
	p.compare(t, "drop", func() ([]plan.Step, error) { return p.definer.PlanDrop(t.Context(), name) },
		func() error { return p.definer.Drop(t.Context(), name) })
}

// compare holds what a dry run says against what the server logs of the same thing, and what it logs of the dry run against
// nothing.
func (p *logged) compare(t *testing.T, what string, plan func() ([]plan.Step, error), do func() error) {
	t.Helper()
	before := p.log.Until(t)
	steps, err := plan()
	if err != nil {
		t.Fatalf("%s: the dry run: %v", what, err)
	}
	middle := p.log.Until(t)
	if stayed := p.changes(t, before, middle); stayed != nil {
		t.Errorf("%s: the dry run left behind what was done by %q", what, stayed)
	}
	if err := do(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	var planned []string
	for _, step := range steps {
		if step.Title != "store the definition" { // which the catalog does in its own words
			planned = append(planned, pgtest.Comparable(step.SQL))
		}
	}
	if diff := cmp.Diff(planned, p.changes(t, middle, p.log.Until(t))); diff != "" {
		t.Errorf("%s (-planned +logged):\n%s", what, diff)
	}
}

// changes are the statements between two places of the log that have changed something outside of the catalog.
func (p *logged) changes(t *testing.T, from, to int) (all []string) {
	t.Helper()
	for _, statement := range p.log.Changing(t, from, to) {
		if !pgtest.InCatalog.MatchString(statement) {
			all = append(all, statement)
		}
	}
	return all
}
