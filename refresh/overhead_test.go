package refresh_test

import (
	"slices"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh"
)

// maxOverhead is what a refresh may cost beyond its SQL run by hand: lock, history, session, watermark.
const maxOverhead = 12 * time.Millisecond

// enough pairs make a median that can be held against the limit.
const enough = 31

// BenchmarkOverhead measures a refresh and the same SQL by hand, in turn, and reports the difference of the medians. It
// holds them against the limit when it was asked for enough of them.
func BenchmarkOverhead(b *testing.B) {
	// By hand, the same statements must run again and again, which those of a swap cannot: each makes another table.
	for _, strategy := range []catalog.Strategy{catalog.Nonconcurrent, catalog.Concurrent, catalog.Incremental, catalog.Merge} {
		b.Run(string(strategy), func(b *testing.B) {
			s := setup(b, salesSQL...)
			v := s.salesView(strategy)
			v.Transport = catalog.DblinkTransport
			s.add(b, v)
			ours, byHand := s.sideBySide(b, v, b.N)
			b.ReportMetric(float64(ours.Microseconds())/1000, "ms/refresh")
			b.ReportMetric(float64(byHand.Microseconds())/1000, "ms/by-hand")
			b.ReportMetric(float64((ours-byHand).Microseconds())/1000, "ms/overhead")
			b.ReportMetric(0, "ns/op")
			if b.N >= enough && ours-byHand > maxOverhead {
				b.Errorf("a refresh costs %s more than its SQL", ours-byHand)
			}
		})
	}
}

// sideBySide returns the medians of n refreshes and of n runs of the same statements, in turn.
func (b *bundle) sideBySide(t testing.TB, v catalog.View, n int) (ours, byHand time.Duration) {
	steps, err := b.runner.Plan(t.Context(), refresh.Request{View: v.Name})
	if err != nil {
		t.Fatal(err)
	}
	conn := pgtest.Connect(t, b.cache.URL)
	if v.Strategy == catalog.Merge { // its staging table lives as long as the transaction
		steps = slices.Concat([]plan.Step{{SQL: "BEGIN"}}, steps, []plan.Step{{SQL: "COMMIT"}})
	}
	var all [2][]time.Duration
	for range n {
		start := time.Now()
		for _, step := range steps {
			if _, err := conn.Exec(t.Context(), step.SQL); err != nil {
				t.Fatal(err)
			}
		}
		all[0] = append(all[0], time.Since(start))
		start = time.Now()
		b.refresh(t, refresh.Request{View: v.Name})
		all[1] = append(all[1], time.Since(start))
	}
	slices.Sort(all[0])
	slices.Sort(all[1])
	return all[1][n/2], all[0][n/2]
}
