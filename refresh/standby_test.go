package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/catalog/migrate"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/refresh"
)

// What a reader on a hot standby sees, as the README says it. A transaction that is older than the new rows, and has not
// read the view yet, finds the new rows where they are visible to every snapshot, the old ones where rows change in place,
// and none where a table was filled through dblink: the primary does not know of it.
func TestStandby_ReadersSeeWhatTheReadmeSays(t *testing.T) {
	t.Parallel()
	const none, oldRows, newRows = -1, 0, 1
	ways := []struct {
		strategy  catalog.Strategy
		transport catalog.Transport
		old       int // the batch that an old transaction finds
	}{
		{catalog.Nonconcurrent, catalog.DblinkTransport, newRows},
		{catalog.Concurrent, catalog.DblinkTransport, oldRows},
		{catalog.Incremental, catalog.DblinkTransport, oldRows},
		{catalog.Incremental, catalog.StreamTransport, oldRows},
		{catalog.Merge, catalog.DblinkTransport, oldRows},
		{catalog.Merge, catalog.StreamTransport, oldRows},
		{catalog.Swap, catalog.StreamTransport, newRows},
		{catalog.Swap, catalog.DblinkTransport, none},
	}
	primary := pgtest.StartFor(t, pgtest.Config{Settings: map[string]string{
		// The standby has the same: rows that its transactions see are not cleaned up, so that none is cancelled.
		"hot_standby_feedback": "on", "wal_receiver_status_interval": "1s", "synchronous_commit": "on", "autovacuum": "off",
	}})
	name, err := primary.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrate.Up(t.Context(), pgtest.OpenPool(t, primary.OwnerURL(name))); err != nil {
		t.Fatal(err)
	}
	b := setupIn(t, &pgtest.Database{Cluster: primary, Name: name, URL: primary.OwnerURL(name)}, batchSQL...)
	var views []catalog.View
	for _, way := range ways {
		v := b.batchView(fmt.Sprint(way.strategy, "_", way.transport), way.strategy, way.transport)
		if way.strategy == catalog.Incremental {
			v.Watermark = "batch"
		}
		b.add(t, v)
		views = append(views, v)
	}
	standby := pgtest.StandbyFor(t, primary, "reads")
	away := pgtest.OpenPool(t, standby.ReaderURL(name))
	admin := pgtest.OpenPool(t, primary.AdminURL(name))
	eventually(t, func() error {
		if len(rows(t, admin, "SELECT FROM pg_stat_replication WHERE backend_xmin IS NOT NULL")) == 0 {
			return errors.New("the primary has not been told yet what the standby sees")
		}
		return nil
	})
	batch := func(db querier, v catalog.View) (batch int, err error) {
		var n, high int
		const text = "SELECT count(*), coalesce(min(batch), -1), coalesce(max(batch), -1) FROM %s WHERE id > 100"
		err = db.QueryRow(context.WithoutCancel(t.Context()), fmt.Sprintf(text, v.Name.SQL())).Scan(&n, &batch, &high)
		if err == nil && (batch != high || n != 0 && n != 100) {
			err = fmt.Errorf("%d rows of the batches %d to %d", n, batch, high)
		}
		return batch, err
	}
	stop := make(chan struct{})
	last := make([]int, len(views))
	ended := b.keepReadingAt(t, standby.ReaderURL(name), 5*time.Millisecond, stop, func(_ context.Context, conn *pgx.Conn) bool {
		for n, v := range views {
			next, err := batch(conn, v)
			if err != nil || next < last[n] {
				t.Errorf("a reader of %s on the standby: batch %d after %d, %v", v.Name, next, last[n], err)
				return false
			}
			last[n] = next
		}
		return true
	})
	b.change(t, `UPDATE public.item SET batch = 1`)
	for n, v := range views {
		old := begin(t, away, pgx.RepeatableRead, "SELECT FROM pg_class")
		b.refresh(t, refresh.Request{View: v.Name})
		b.replayed(t, standby)
		if got, err := batch(old, v); err != nil || got != ways[n].old {
			t.Errorf("%s: an old transaction on the standby finds batch %d, %v, want %d", v.Name, got, err, ways[n].old)
		}
		leave(t, old)
		if got, err := batch(away, v); err != nil || got != newRows {
			t.Errorf("%s: a new reader on the standby finds batch %d, %v", v.Name, got, err)
		}
	}
	close(stop)
	await(t, ended)
}

// replayed waits until a standby has replayed what the primary has written.
func (b *bundle) replayed(t *testing.T, standby *pgtest.Cluster) {
	t.Helper()
	var position string
	if err := b.pool.QueryRow(t.Context(), "SELECT pg_current_wal_lsn()::text").Scan(&position); err != nil {
		t.Fatal(err)
	}
	pool := pgtest.OpenPool(t, standby.ReaderURL(b.cache.Name))
	eventually(t, func() error {
		var there bool
		err := pool.QueryRow(t.Context(), "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", position).Scan(&there)
		if err == nil && !there {
			err = fmt.Errorf("the standby has not come to %s", position)
		}
		return err
	})
}
