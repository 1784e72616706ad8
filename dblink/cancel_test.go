package dblink_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/redshift"
)

// slow keeps Redshift busy for longer than any test waits. It has no pg_sleep.
const slow = `SELECT COUNT(*) FROM pg_class a, pg_class b, pg_class c, pg_class d, pg_class e`

// TestCancel_EndsBothSides is the finding of the package's comment: what ends a statement that waits for Redshift.
func TestCancel_EndsBothSides(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	conn := b.Connect(t)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := linktest.Open(t, tx, "dw")
	done := make(chan error, 1)
	go func() {
		_, err := tx.Exec(context.WithoutCancel(t.Context()), "SELECT * FROM public.dblink('dw', $1) AS t(n bigint)", slow)
		done <- err
	}()
	local := conn.PgConn().PID()
	awaitState(t, b, local)

	// The local cancel alone: dblink hears it and then waits for the rest of the answer that it asked for.
	linktest.Exec(t, b.Cache, "SELECT pg_catalog.pg_cancel_backend($1)", local)
	select {
	case err := <-done:
		t.Fatalf("the local cancel ended the statement by itself (%v): the package's comment is out of date", err)
	case <-time.After(300 * time.Millisecond):
	}
	b.InTx(t, func(other pgx.Tx) {
		if err := dblink.Cancel(t.Context(), other, "dw", s.PID()); err != nil {
			t.Error(err)
		}
		const open = "SELECT coalesce(pg_catalog.array_to_string(public.dblink_get_connections(), ','), '')"
		if left := linktest.Text(t, other, open); left != "" {
			t.Errorf("Cancel left connection %s open", left)
		}
	})
	select {
	case err := <-done:
		if got := redshift.Classify(err); got != redshift.Canceled {
			t.Errorf("got %v (%v), want %v", err, got, redshift.Canceled)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the statement still runs")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The session is in order again and can be used.
	if got := linktest.Text(t, conn, whoAnswers); got != strconv.Itoa(s.PID()) {
		t.Errorf("session %s answers, want %d", got, s.PID())
	}
}

func TestWatch_EndsWhatTheSessionDoes(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	tx, err := b.Connect(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := linktest.Open(t, tx, "dw")
	ctx, cancel := context.WithCancel(t.Context())
	stop := dblink.Watch(ctx, b.Cache, s)
	cancel() // perhaps before the statement starts
	_, err = tx.Exec(context.WithoutCancel(ctx), "SELECT * FROM public.dblink('dw', '"+slow+"') AS t(n bigint)")
	if got := redshift.Classify(err); got != redshift.Canceled {
		t.Errorf("got %v (%v), want %v", err, got, redshift.Canceled)
	}
	if err := stop(err); err != nil {
		t.Error(err)
	}
}

func TestWatch_LeavesAFinishedStatementAlone(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
		stop := dblink.Watch(ctx, b.Cache, s)
		linktest.Text(t, tx, whoAnswers)
		if err := stop(nil); err != nil {
			t.Error(err)
		}
		cancel()
		linktest.Text(t, tx, whoAnswers)
	})
}

// awaitState returns when a backend waits inside dblink.
func awaitState(t testing.TB, b *linktest.Bundle, pid uint32) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for waiting := false; !waiting; {
		err := b.Cache.QueryRow(ctx, `
			SELECT coalesce(wait_event_type = 'Extension', false) FROM pg_catalog.pg_stat_activity WHERE pid = $1`,
			pid).Scan(&waiting)
		if err != nil {
			t.Errorf("wait for backend %d: %v", pid, err)
			return
		}
	}
}
