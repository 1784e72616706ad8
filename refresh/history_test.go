package refresh_test

import (
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// The runs of two views that are refreshed in turns are numbered in turns.
func TestHistory_IsPrunedForEachOfTwoViewsInTurns(t *testing.T) {
	t.Parallel()
	b, one := batches(t, catalog.Merge, catalog.DblinkTransport)
	other := b.batchView("other", catalog.Merge, catalog.DblinkTransport)
	b.add(t, other)
	const keep, most = 2, 300
	runner := refresh.NewRunner(b.pool, refresh.Config{KeepRuns: keep})
	pruned := func(v catalog.View) bool {
		return len(rows(t, b.pool, "SELECT FROM redcache.run r JOIN redcache.view v ON v.id = r.view_id WHERE v.view_name = '"+v.Name.View+"'")) <= keep
	}
	for wanted, n := []catalog.View{one, other}, 0; len(wanted) > 0; n++ {
		if n == most {
			t.Fatalf("no run of %s was forgotten in %d runs, of which %d are to be kept", wanted[0].Name, n, keep)
		}
		for _, v := range []catalog.View{one, other} {
			if _, err := runner.Refresh(t.Context(), refresh.Request{View: v.Name}); err != nil {
				t.Fatal(err)
			}
		}
		if n >= keep && pruned(wanted[0]) {
			wanted = wanted[1:]
		}
	}
}
