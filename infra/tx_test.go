package infra_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

// setupNote makes a table whose rows tell what was committed. Its constraint is checked at the commit.
func setupNote(t *testing.T) (*pgtest.Database, *pgxpool.Pool) {
	t.Helper()
	db := pgtest.New(t)
	pool := openPool(t, db.URL)
	_, err := pool.Exec(t.Context(), `CREATE TABLE public.note (id integer PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)`)
	if err != nil {
		t.Fatalf("create table: %v", err)
	}
	return db, pool
}

func addNote(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO public.note VALUES (1)`)
	return err
}

func wantNotes(t *testing.T, pool *pgxpool.Pool, want int) {
	t.Helper()
	var got int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM public.note`).Scan(&got); err != nil {
		t.Fatalf("count notes: %v", err)
	}
	if got != want {
		t.Errorf("%d notes are there, want %d", got, want)
	}
}

func wantState(t *testing.T, err error, code string) {
	t.Helper()
	if refused, ok := errors.AsType[*pgconn.PgError](err); !ok || refused.Code != code {
		t.Errorf("got error %v, want SQLSTATE %s", err, code)
	}
}

func TestInTx_CommitsWhenAllIsWell(t *testing.T) {
	t.Parallel()
	_, pool := setupNote(t)
	err := infra.InTx(t.Context(), pool, infra.Limits{}, func(tx pgx.Tx) error { return addNote(t.Context(), tx) })
	if err != nil {
		t.Fatalf("InTx: %v", err)
	}
	wantNotes(t, pool, 1)
}

func TestInTx_RollsBackOnError(t *testing.T) {
	t.Parallel()
	_, pool := setupNote(t)
	boom := errors.New("boom")
	err := infra.InTx(t.Context(), pool, infra.Limits{}, func(tx pgx.Tx) error {
		return errors.Join(addNote(t.Context(), tx), boom)
	})
	if !errors.Is(err, boom) {
		t.Errorf("got %v, want the error of fn", err)
	}
	wantNotes(t, pool, 0)
}

func TestInTx_RollsBackOnPanic(t *testing.T) {
	t.Parallel()
	_, pool := setupNote(t)
	func() {
		defer func() {
			if got := recover(); got != "boom" {
				t.Errorf("got panic %v, want the one of fn", got)
			}
		}()
		_ = infra.InTx(t.Context(), pool, infra.Limits{}, func(tx pgx.Tx) error {
			if err := addNote(t.Context(), tx); err != nil {
				t.Error(err)
			}
			panic("boom")
		})
	}()
	wantNotes(t, pool, 0)
	if busy := pool.Stat().AcquiredConns(); busy != 0 {
		t.Errorf("%d connections are still in use", busy)
	}
}

func TestInTx_RollsBackWhenTheContextEndedBeforeTheCommit(t *testing.T) {
	t.Parallel()
	_, pool := setupNote(t)
	stop := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	err := infra.InTx(ctx, pool, infra.Limits{}, func(tx pgx.Tx) error {
		defer cancel(stop)
		return addNote(ctx, tx)
	})
	if !errors.Is(err, stop) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's end and its cause", err)
	}
	wantNotes(t, pool, 0)
}

// The statement ends on the server, and the connection stays good: a killed one could not tell that it ended.
func TestInTx_CancelsTheStatementOnTheServer(t *testing.T) {
	t.Parallel()
	db, pool := setupNote(t)
	watcher := db.Pool(t)
	ctx, cancel := context.WithCancel(t.Context())
	const active = `SELECT count(*) > 0 FROM pg_catalog.pg_stat_activity
		WHERE datname = current_database() AND query = 'SELECT pg_catalog.pg_sleep(3600)' AND state = 'active'`
	result := make(chan error, 1)
	var pid uint32
	go func() {
		result <- infra.InTx(ctx, pool, infra.Limits{Statement: -1}, func(tx pgx.Tx) error {
			pid = tx.Conn().PgConn().PID()
			_, err := tx.Exec(ctx, `SELECT pg_catalog.pg_sleep(3600)`)
			return err
		})
	}()
	awaitTrue(t, watcher, active)

	cancel()

	err := <-result
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's end", err)
	}
	wantState(t, err, "57014") // query_canceled: the server says so, too
	awaitTrue(t, watcher, `SELECT NOT (`+active+`)`)
	awaitTrue(t, watcher, `SELECT state = 'idle' FROM pg_catalog.pg_stat_activity WHERE pid = $1`, pid)
	wantNotes(t, pool, 0)
}

// remote is a dblink connection string that leads back to the same database.
func remote(db *pgtest.Database) string {
	return fmt.Sprintf("host=%s port=%d dbname=%s user=%s password=%s",
		db.Host, db.Port, db.Name, pgtest.Owner, db.OwnerPassword)
}

// A cancelled dblink call first reads what is left of its remote result, however long that takes, and must be asked
// twice. The connection stays good: a dead one could not be idle.
func TestInTx_CancelsAStatementInsideDblink(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	pool, watcher := openPool(t, db.URL), db.Pool(t)
	ctx, cancel := context.WithCancel(t.Context())
	pids, result := make(chan uint32, 1), make(chan error, 1)
	go func() {
		result <- infra.InTx(ctx, pool, infra.Limits{Statement: -1}, func(tx pgx.Tx) error {
			pids <- tx.Conn().PgConn().PID()
			_, err := tx.Exec(ctx, `SELECT FROM public.dblink($1, 'SELECT pg_sleep(3600)::text') AS t (a text)`, remote(db))
			return err
		})
	}()
	pid := <-pids
	awaitTrue(t, watcher, `SELECT count(*) > 0 FROM pg_catalog.pg_stat_activity
		WHERE query = 'SELECT pg_sleep(3600)::text' AND state = 'active' AND datname = current_database()`)

	cancel()

	err := <-result
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's end", err)
	}
	wantState(t, err, "57014") // query_canceled
	awaitTrue(t, watcher, `SELECT state = 'idle' FROM pg_catalog.pg_stat_activity WHERE pid = $1`, pid)
}

func TestInTx_ReportsARefusedCommit(t *testing.T) {
	t.Parallel()
	_, pool := setupNote(t)
	err := infra.InTx(t.Context(), pool, infra.Limits{}, func(tx pgx.Tx) error {
		return errors.Join(addNote(t.Context(), tx), addNote(t.Context(), tx))
	})
	wantState(t, err, "23505")
	if errors.Is(err, infra.ErrOutcomeUnknown) {
		t.Errorf("got %v, but the outcome is known", err)
	}
	wantNotes(t, pool, 0)
}

func TestInTx_ReportsAnErrorThatFnSwallowed(t *testing.T) {
	t.Parallel()
	_, pool := setupNote(t)
	err := infra.InTx(t.Context(), pool, infra.Limits{}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `SELECT 1/0`); err == nil {
			t.Error("division by zero succeeded")
		}
		return nil
	})
	if !errors.Is(err, pgx.ErrTxCommitRollback) || errors.Is(err, infra.ErrOutcomeUnknown) {
		t.Errorf("got %v, want a rollback instead of the commit", err)
	}
}

func TestInTx_KnowsWhenItDoesNotKnow(t *testing.T) {
	t.Parallel()
	db, pool := setupNote(t)
	admin := db.AdminPool(t)
	err := infra.InTx(t.Context(), pool, infra.Limits{}, func(tx pgx.Tx) error {
		// Terminated between the last statement and the commit: seen from here, it may have been after.
		pid := tx.Conn().PgConn().PID()
		if _, err := admin.Exec(t.Context(), `SELECT pg_terminate_backend($1)`, pid); err != nil {
			return err
		}
		awaitTrue(t, admin, `SELECT count(*) = 0 FROM pg_catalog.pg_stat_activity WHERE pid = $1`, pid)
		return nil
	})
	if !errors.Is(err, infra.ErrOutcomeUnknown) {
		t.Errorf("got %v, want ErrOutcomeUnknown", err)
	}
	wantNotes(t, pool, 0) // and the pool has another connection
}

func TestInTx_KnowsThatNothingWasSent(t *testing.T) {
	t.Parallel()
	_, pool := setupNote(t)
	err := infra.InTx(t.Context(), pool, infra.Limits{}, func(tx pgx.Tx) error {
		return tx.Conn().Close(t.Context())
	})
	if err == nil || errors.Is(err, infra.ErrOutcomeUnknown) {
		t.Errorf("got %v, want an error that leaves nothing open", err)
	}
}

func TestInTx_GivesUpADeadConnection(t *testing.T) {
	t.Parallel()
	_, pool := setupNote(t)
	var dead uint32
	err := infra.InTx(t.Context(), pool, infra.Limits{}, func(tx pgx.Tx) error {
		dead = tx.Conn().PgConn().PID()
		if err := tx.Conn().PgConn().Conn().Close(); err != nil {
			return err
		}
		return addNote(t.Context(), tx)
	})
	if err == nil || !strings.Contains(infra.Hint(err), "nothing of this was committed") {
		t.Errorf("a statement on a cut connection: %v, hint %q", err, infra.Hint(err))
	}
	wantNotes(t, pool, 0)
	awaitTrue(t, pool, `SELECT count(*) = 0 FROM pg_catalog.pg_stat_activity WHERE pid = $1`, dead)
}

func TestInTx_NamesAFailedBegin(t *testing.T) {
	t.Parallel()
	pool := openPool(t, pgtest.New(t).URL)
	pool.Close()
	err := infra.InTx(t.Context(), pool, infra.Limits{}, func(pgx.Tx) error {
		t.Error("fn ran without a transaction")
		return nil
	})
	if err == nil {
		t.Error("got no error from a closed pool")
	}
}
