package dblink_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
)

// slow keeps Redshift busy for longer than any test waits. It has no pg_sleep.
const slow = `SELECT COUNT(*) FROM pg_class a, pg_class b, pg_class c, pg_class d, pg_class e`

// TestCancel_EndsBothSides is the finding of the package's comment: what ends a statement that waits for Redshift.
func TestCancel_EndsBothSides(t *testing.T) {
	t.Parallel()
	b := setup(t)
	conn := connect(t, b)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, tx, "dw")
	done := make(chan error, 1)
	go func() {
		_, err := tx.Exec(context.WithoutCancel(t.Context()), "SELECT * FROM public.dblink('dw', $1) AS t(n bigint)", slow)
		done <- err
	}()
	local := conn.PgConn().PID()
	awaitState(t, b, local)

	// The local cancel alone: dblink hears it and then waits for the rest of the answer that it asked for.
	mustExec(t, b.cache, "SELECT pg_catalog.pg_cancel_backend($1)", local)
	select {
	case err := <-done:
		t.Fatalf("the local cancel ended the statement by itself (%v): the package's comment is out of date", err)
	case <-time.After(300 * time.Millisecond):
	}
	b.inTx(t, func(other pgx.Tx) {
		if err := dblink.Cancel(t.Context(), other, "dw", s.PID()); err != nil {
			t.Error(err)
		}
		const open = "SELECT coalesce(pg_catalog.array_to_string(public.dblink_get_connections(), ','), '')"
		if left := mustText(t, other, open); left != "" {
			t.Errorf("Cancel left connection %s open", left)
		}
	})
	select {
	case err := <-done:
		if got := dblink.Classify(err); got != dblink.Canceled {
			t.Errorf("got %v (%v), want %v", err, got, dblink.Canceled)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the statement still runs")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The session is in order again and can be used.
	if got := mustText(t, conn, whoAnswers); got != strconv.Itoa(s.PID()) {
		t.Errorf("session %s answers, want %d", got, s.PID())
	}
}

func TestWatch_EndsWhatTheSessionDoes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tx, err := connect(t, b).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, tx, "dw")
	ctx, cancel := context.WithCancel(t.Context())
	stop := dblink.Watch(ctx, b.cache, s)
	cancel() // perhaps before the statement starts
	_, err = tx.Exec(context.WithoutCancel(ctx), "SELECT * FROM public.dblink('dw', '"+slow+"') AS t(n bigint)")
	if got := dblink.Classify(err); got != dblink.Canceled {
		t.Errorf("got %v (%v), want %v", err, got, dblink.Canceled)
	}
	if err := stop(err); err != nil {
		t.Error(err)
	}
}

func TestWatch_LeavesAFinishedStatementAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.inSession(t, func(tx pgx.Tx, s *dblink.Session) {
		stop := dblink.Watch(ctx, b.cache, s)
		mustText(t, tx, whoAnswers)
		if err := stop(nil); err != nil {
			t.Error(err)
		}
		cancel()
		mustText(t, tx, whoAnswers)
	})
}

// awaitState returns when a backend waits inside dblink.
func awaitState(t testing.TB, b *bundle, pid uint32) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for waiting := false; !waiting; {
		err := b.cache.QueryRow(ctx, `
			SELECT coalesce(wait_event_type = 'Extension', false) FROM pg_catalog.pg_stat_activity WHERE pid = $1`,
			pid).Scan(&waiting)
		if err != nil {
			t.Errorf("wait for backend %d: %v", pid, err)
			return
		}
	}
}
