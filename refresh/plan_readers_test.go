package refresh_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// A dry run of a change of many views, half of which have to be dropped and made again, keeps readers waiting for no longer than
// a switch may: it locks what they read in one try, and lets go at once.
func TestPlan_OfManyViewsKeepsNoReaderWaiting(t *testing.T) {
	// Not beside others of the package: what readers wait for would be a core.
	const views, readers = 20, 3
	b := setup(t, batchSQL...)
	b.setOf(t, views)
	var mu sync.Mutex
	var worst time.Duration
	reads := 0
	stop := make(chan struct{})
	var ended []<-chan struct{}
	for r := range readers {
		n := r
		ended = append(ended, b.keepReading(t, time.Millisecond, stop, func(ctx context.Context, conn *pgx.Conn) bool {
			n = (n + readers) % views
			var found int
			begun := time.Now()
			err := conn.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM bi.s%02d WHERE era = 0", n)).Scan(&found)
			took := time.Since(begun)
			if err != nil || found != 200 {
				t.Errorf("a reader of view %d gets %d rows, %v", n, found, err)
			}
			mu.Lock()
			worst, reads = max(worst, took), reads+1
			mu.Unlock()
			return !t.Failed()
		}))
	}
	begun := time.Now()
	if _, err := b.definer.Plan(t.Context(), b.era(views, 1)); err != nil {
		t.Fatal(err)
	}
	took := time.Since(begun)
	close(stop)
	for _, e := range ended {
		await(t, e)
	}
	t.Logf("a dry run of %d views took %s: of %d reads the slowest took %s", views, took, reads, worst)
	if worst > time.Second { // on a machine that does much else
		t.Errorf("of %d reads, the slowest took %s", reads, worst)
	}
}
