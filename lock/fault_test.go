package lock_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/lock"
)

// However a holder ends, its locks end with it, and a waiter gets the view's lock without asking again.
func TestLocksEndWithTheirHolder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(t *testing.T, b *bundle, holder pgx.Tx)
	}{
		{"rolled back", func(t *testing.T, _ *bundle, holder pgx.Tx) { rollback(t, holder) }},
		{"committed", func(t *testing.T, _ *bundle, holder pgx.Tx) {
			if err := holder.Commit(t.Context()); err != nil {
				t.Fatalf("commit: %v", err)
			}
		}},
		{"backend terminated", func(t *testing.T, b *bundle, holder pgx.Tx) {
			if _, err := b.pool.Exec(t.Context(), `SELECT pg_terminate_backend($1)`, pidOf(holder)); err != nil {
				t.Fatalf("terminate: %v", err)
			}
		}},
		{"connection cut", func(t *testing.T, _ *bundle, holder pgx.Tx) {
			// No word of goodbye: what a killed process leaves to its kernel.
			if err := holder.Conn().PgConn().Conn().Close(); err != nil {
				t.Fatalf("cut: %v", err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			holder, waiter := b.begin(t, "holder"), b.begin(t, "waiter")
			lockView(t, holder, 7)
			lockSlot(t, holder, 3, 1)
			result := make(chan error, 1)
			go func() { result <- lock.View(t.Context(), waiter, 7, patience) }()
			b.awaitLocks(t, "the waiter", waiting)

			tt.end(t, b, holder)

			if err := <-result; err != nil {
				t.Fatalf("View: %v", err)
			}
			rollback(t, waiter)
			b.awaitLocks(t, "none", none)
		})
	}
}

func TestLocksEndWhenAWaiterDies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	holder, waiter := b.begin(t, "holder"), b.begin(t, "waiter")
	lockView(t, holder, 7)
	waiterPID := pidOf(waiter)
	result := make(chan error, 1)
	go func() { result <- lock.View(t.Context(), waiter, 7, patience) }()
	b.awaitLocks(t, "the waiter", waiting)

	if _, err := b.pool.Exec(t.Context(), `SELECT pg_terminate_backend($1)`, waiterPID); err != nil {
		t.Fatalf("terminate: %v", err)
	}

	if err := <-result; err == nil {
		t.Error("the waiter got the lock after its death")
	}
	locks := b.awaitLocks(t, "only the holder", func(locks []lock.Held) bool { return len(locks) == 1 })
	if locks[0].PID != pidOf(holder) || locks[0].Waiting {
		t.Errorf("got %+v, want the holder", locks[0])
	}
}

func TestLocksEndWithACrash(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartFor(t, pgtest.Config{
		Extensions: []string{},
		Settings:   map[string]string{"synchronous_commit": "on"}, // the tables must survive
	})
	ctx := t.Context()
	err := cluster.Admin(ctx, "postgres",
		`CREATE SCHEMA redcache`, `CREATE TABLE redcache.view (id integer)`, `CREATE TABLE redcache.link (id integer)`,
		`CREATE TABLE redcache.link_state (link_id integer)`, `CREATE TABLE redcache.set (id integer)`)
	if err != nil {
		t.Fatal(err)
	}
	holder := begin(t, cluster.AdminURL("postgres"), "holder")
	lockView(t, holder, 7)
	if err := cluster.Halt(true); err != nil {
		t.Fatalf("crash: %v", err)
	}
	if err := cluster.Resume(context.WithoutCancel(ctx)); err != nil {
		t.Fatalf("restart: %v", err)
	}

	lockView(t, begin(t, cluster.AdminURL("postgres"), "next"), 7)
}

// A pooler in transaction mode gives a session another server connection for each transaction. Whatever a lock left
// on a connection would meet the next user of it.
func TestLocksLeaveNothingInTheSession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	holder := b.begin(t, "holder")
	conn := holder.Conn()
	lockView(t, holder, 7)
	lockSlot(t, holder, 3, 2)
	other := b.begin(t, "other")
	lockView(t, other, 8)
	wantHeld(t, lock.View(t.Context(), holder, 8, 1)) // limited by a lock_timeout
	rollback(t, other)
	if err := lock.View(t.Context(), holder, 8, patience); err != nil {
		t.Fatalf("View: %v", err)
	}
	if err := holder.Commit(t.Context()); err != nil {
		t.Fatalf("commit: %v", err)
	}

	var clean bool
	err := conn.QueryRow(t.Context(), `
		SELECT current_setting('lock_timeout') = '0' AND current_setting('statement_timeout') = '0' AND NOT EXISTS (
			SELECT FROM pg_catalog.pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory')`).Scan(&clean)
	if err != nil || !clean {
		t.Errorf("session is clean: %v, %v", clean, err)
	}
}
