package refresh_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Fifty views are switched under readers that never rest: none of them gets an error or finds a view empty, and none waits
// for longer than a reader may have to. docs/benchmarks.md has what was measured.
func TestApply_FiftyViewsKeepNoReaderWaiting(t *testing.T) {
	t.Parallel()
	const views, readers = 50, 3
	b := setup(t, batchSQL...)
	b.setOf(t, views)
	var mu sync.Mutex
	var waits []time.Duration
	stop := make(chan struct{})
	var ended []<-chan struct{}
	for r := range readers {
		n := r
		ended = append(ended, b.keepReading(t, time.Millisecond, stop, func(ctx context.Context, conn *pgx.Conn) bool {
			n = (n + readers) % views
			var low, high, found int
			begun := time.Now()
			err := conn.QueryRow(ctx, fmt.Sprintf("SELECT min(era), max(era), count(*) FROM bi.s%02d", n)).Scan(&low, &high, &found)
			took := time.Since(begun)
			if err != nil || low != high || found != 200 {
				t.Errorf("a reader of view %d gets %d rows of the eras %d to %d, %v", n, found, low, high, err)
			}
			mu.Lock()
			waits = append(waits, took)
			mu.Unlock()
			return !t.Failed()
		}))
	}
	if _, err := b.definer.Apply(t.Context(), b.era(views, 1)); err != nil {
		t.Fatal(err)
	}
	b.wantEra(t, views, 1)
	close(stop)
	for _, e := range ended {
		await(t, e)
	}
	var worst time.Duration
	for _, w := range waits {
		worst = max(worst, w)
	}
	t.Logf("%d views in one switch: of %d reads the slowest took %s", views, len(waits), worst)
	if len(waits) < 1000 || worst > time.Second {
		t.Errorf("%d reads, the slowest took %s", len(waits), worst)
	}
}
