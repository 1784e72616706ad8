package refresh_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/refresh"
)

func TestSwap_AnOldTransactionNeverFindsAnEmptyRelation(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Swap, catalog.StreamTransport)
	reader := b.oldReader(t)
	seen := func() (n, batch int) {
		t.Helper()
		if err := reader.QueryRow(t.Context(), "SELECT count(*), min(batch) FROM bi.item").Scan(&n, &batch); err != nil {
			t.Fatal(err)
		}
		return n, batch
	}
	b.nextBatch(t, 1)
	run := b.refresh(t, refresh.Request{View: v.Name})
	if n, batch := seen(); n != 200 || batch != 1 || run.Strategy != catalog.Swap {
		t.Errorf("after a %s, an old transaction sees %d rows of batch %d, want those of the new generation", run.Strategy, n, batch)
	}
	leave(t, reader)
	b.wantNothingLeft(t)
}

func TestSwap_ThroughDblinkWaitsForOldTransactions(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Swap, catalog.DblinkTransport)
	reader := b.oldReader(t)
	b.nextBatch(t, 1)
	refreshing := b.refreshing(t.Context(), refresh.Request{View: v.Name})
	b.untilSome(t, `SELECT FROM redcache.copy WHERE loaded = 2 AND generation = 1`)
	if n := len(rows(t, b.pool, `SELECT FROM pg_index WHERE indrelid = 'redcache_data.v1_g2'::regclass AND indisvalid`)); n != 1 {
		t.Errorf("before the view is pointed at it, the generation has %d indexes, want that of the key", n)
	}
	b.wantBatch(t, v, 0)
	var n int
	if err := reader.QueryRow(t.Context(), "SELECT count(*) FROM bi.item WHERE batch = 0").Scan(&n); err != nil || n != 200 {
		t.Errorf("an old transaction sees %d rows, %v", n, err)
	}
	leave(t, reader)
	run := wantSucceeded(t, refreshing)
	b.wantBatch(t, v, 1)
	if run.Strategy != catalog.Swap || run.Note != "" {
		t.Errorf("got a %s, note %q", run.Strategy, run.Note)
	}
	b.wantNothingLeft(t)
}

func TestSwap_MergesWhenReadersNeverLeave(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, transport catalog.Transport) {
		b, v := batches(t, catalog.Swap, transport)
		runner := refresh.NewRunner(b.pool, refresh.Config{SwitchPatience: 500 * time.Millisecond})
		reader := b.longReader(t, v)
		b.nextBatch(t, 1)
		ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Second, errors.New("it goes on waiting"))
		defer cancel()
		run, err := runner.Refresh(ctx, refresh.Request{View: v.Name})
		if err != nil {
			t.Fatal(err)
		}
		told := run
		told.PublicReason = "" // is for logs, not for the history
		if kept, err := b.store.Run(t.Context(), run.Key()); err != nil || !cmp.Equal(kept, told) {
			t.Errorf("the history differs from what was returned: %s, %v", cmp.Diff(told, kept), err)
		}
		b.wantBatch(t, v, 1)
		if run.Strategy != catalog.Merge || run.Reason == nil || !strings.Contains(*run.Reason, "merged, not swapped") ||
			run.Waited == nil || *run.Waited < 500*time.Millisecond {
			t.Errorf("the run is a %s that waited %v for the reason %v", run.Strategy, run.Waited, run.Reason)
		}
		if *run.RowsRead != 200 || *run.RowsInserted != 1 || *run.RowsUpdated != 199 || *run.RowsDeleted != 1 {
			t.Errorf("read %d, inserted %d, updated %d, deleted %d", *run.RowsRead, *run.RowsInserted, *run.RowsUpdated, *run.RowsDeleted)
		}
		if n := b.generation(t); n != 1 || run.Generation != 1 {
			t.Errorf("readers see generation %d, the run says %d", n, run.Generation)
		}
		leave(t, reader)
		b.wantNothingLeft(t)
		b.nextBatch(t, 2)
		if run := b.refresh(t, refresh.Request{View: v.Name}); run.Strategy != catalog.Swap || run.Waited != nil {
			t.Errorf("the next run is a %s that waited %v", run.Strategy, run.Waited)
		}
		b.wantBatch(t, v, 2)
		b.wantNothingLeft(t)
	})
}

func TestSwap_WithoutAKeyFailsWhenReadersNeverLeave(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	v := b.batchView("item", catalog.Swap, catalog.StreamTransport)
	v.Key = nil
	b.add(t, v)
	reader := b.longReader(t, v)
	b.nextBatch(t, 1)
	runner := refresh.NewRunner(b.pool, refresh.Config{Patience: 500 * time.Millisecond})
	run, err := runner.Refresh(t.Context(), refresh.Request{View: v.Name})
	if err == nil || run.State != catalog.Failed || !strings.Contains(err.Error(), "readers kept it in use") || infra.Hint(err) == "" {
		t.Errorf("got %s, %v, hint %q", run.State, err, infra.Hint(err))
	}
	b.wantBatch(t, v, 0)
	leave(t, reader)
	b.wantNothingLeft(t)
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantBatch(t, v, 1)
	b.wantNothingLeft(t)
}

// maxStall is how long a reader may wait for a refresh.
const maxStall = 250 * time.Millisecond

// What a machine that is busy with other things adds to each read, a reader of a table that nobody refreshes tells.
func TestSwap_ReadersHardlyWait(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, transport catalog.Transport) {
		b, v := batches(t, catalog.Swap, transport)
		b.do(t, "CREATE TABLE bi.other AS SELECT * FROM bi.item")
		b.do(t, "GRANT SELECT ON bi.other TO "+pgtest.Reader)
		runner := refresh.NewRunner(b.pool, refresh.Config{SwitchPatience: 500 * time.Millisecond})
		stop := make(chan struct{})
		longest, control := b.slowest(t, "bi.item", stop), b.slowest(t, "bi.other", stop)
		merged := 0
		for batch := 1; batch <= 8; batch++ {
			var reader pgx.Tx
			if batch%4 == 0 { // it keeps the view from being switched, and new readers queue behind each try
				reader = b.longReader(t, v)
			}
			b.nextBatch(t, batch)
			run, err := runner.Refresh(t.Context(), refresh.Request{View: v.Name})
			if err != nil {
				t.Fatal(err)
			}
			if reader != nil {
				leave(t, reader)
				merged++
			}
			if (run.Waited != nil) != (reader != nil) {
				t.Errorf("batch %d: a %s that waited %v", batch, run.Strategy, run.Waited)
			}
			b.wantBatch(t, v, batch)
		}
		close(stop)
		if worst, noise := longest(), control(); worst > maxStall+noise {
			t.Errorf("a reader waited for %s, one of another table for %s", worst, noise)
		}
		if merged == 0 {
			t.Error("no switch was held up")
		}
		b.wantNothingLeft(t)
	})
}

// slowest reads a relation until it is stopped, and returns how long the slowest read took.
func (b *bundle) slowest(t *testing.T, relation string, stop <-chan struct{}) (worst func() time.Duration) {
	t.Helper()
	var slowest time.Duration
	ended := b.keepReading(t, 2*time.Millisecond, stop, func(ctx context.Context, conn *pgx.Conn) bool {
		var n int
		started := time.Now()
		err := conn.QueryRow(ctx, "SELECT count(*) FROM "+relation).Scan(&n)
		slowest = max(slowest, time.Since(started))
		if err != nil || n != 200 {
			t.Errorf("a reader of %s gets %d rows, %v", relation, n, err)
		}
		return true
	})
	return func() time.Duration {
		await(t, ended)
		return slowest
	}
}
