package main

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// A generation that readers do not see yet is held against the source by the columns that they will see.
func TestSoak_KnowsTheRowsOfGenerationsThatNobodySeesYet(t *testing.T) {
	t.Parallel()
	w, ctx := testWorld(t), t.Context()
	h := newHistory(options{}, 1)
	h.sizes = []int{2}
	strategies := []catalog.Strategy{catalog.Swap, catalog.Concurrent} // the first is switched later, and the other with it
	h.define = func(v *catalog.View) {
		*v = catalog.View{Definition: catalog.Defaults()}
		v.Query, v.Strategy, v.Transport = queries[0].remote, strategies[0], catalog.DblinkTransport
		v.AllowShrink, v.Grantees, v.Timeout = 100, []string{reading}, time.Minute
		if v.Strategy == catalog.Concurrent {
			v.Key = []string{"id"}
		}
		strategies = strategies[1:]
	}
	var err error
	if h.pair, err = w.openPair(ctx, func(*pair) error { return nil }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.pair.close(false); err != nil {
			t.Error(err)
		}
	})
	if err := h.begin(ctx); err != nil {
		t.Fatal(err)
	}
	reader, err := h.pair.reader(ctx, pgx.QueryExecModeExec)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close(ctx)
	if _, err := reader.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM pg_class"); err != nil {
		t.Fatal(err)
	}
	if err := h.commit(ctx, changed("more", "INSERT INTO public.item (id) VALUES (1001)"), false); err != nil {
		t.Fatal(err)
	}
	hasty := refresh.NewRunner(h.pair.pools[0], refresh.Config{Patience: time.Millisecond})
	u, last := h.units[0], len(h.versions)-1
	run, err := hasty.Refresh(ctx, refresh.Request{View: u.names[0]})
	if err != nil || run.Note == "" {
		t.Fatalf("got %v, note %q; want generations that wait for a reader", err, run.Note)
	}
	err = errors.Join(h.settle(ctx), h.check(ctx, u, happened{results: []result{{run: run}}, from: last, to: last}))
	if err != nil {
		t.Error(everything(err))
	}
	if materialized := u.now[1]; !materialized.hidden || !materialized.def.Materialized() {
		t.Errorf("%s is not what was to be compared", describe(materialized.def))
	}
}
