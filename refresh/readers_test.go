package refresh_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/refresh"
)

// oldReader opens a transaction whose snapshot is older than whatever comes next, and that has not touched the view.
func (b *bundle) oldReader(t *testing.T) pgx.Tx {
	t.Helper()
	tx, err := b.pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT FROM pg_class"); err != nil {
		t.Fatal(err)
	}
	return tx
}

// longReader opens a transaction that has read the view, and so keeps it from being switched.
func (b *bundle) longReader(t *testing.T, v catalog.View) pgx.Tx {
	t.Helper()
	return b.begun(t, "SELECT FROM "+v.Name.SQL())
}

// begun opens a transaction that has run a statement, and holds whatever locks that takes.
func (b *bundle) begun(t *testing.T, statement string) pgx.Tx {
	t.Helper()
	tx, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	return tx
}

func leave(t *testing.T, reader pgx.Tx) {
	t.Helper()
	if err := reader.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// holder opens a transaction that holds the view's lock, as a refresh does.
func (b *bundle) holder(t *testing.T, v catalog.View) pgx.Tx {
	t.Helper()
	stored, err := b.store.View(t.Context(), v.Name)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.View(t.Context(), tx, stored.ID, 0); err != nil {
		t.Fatal(err)
	}
	return tx
}

// keepReading reads over a connection of its own until it is stopped or read has seen enough. After each read it pauses,
// so that it leaves room for others however slow the machine is. The returned channel is closed at the end.
func (b *bundle) keepReading(
	t *testing.T, pause time.Duration, stop <-chan struct{}, read func(ctx context.Context, conn *pgx.Conn) (goOn bool),
) <-chan struct{} {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.cache.URL)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ctx := context.WithoutCancel(t.Context())
		defer conn.Close(ctx)
		for goOn := true; goOn; {
			select {
			case <-stop:
				return
			case <-time.After(pause):
				goOn = read(ctx, conn)
			}
		}
	}()
	return ended
}

// finished is what a refresh has returned.
type finished struct {
	run catalog.Run
	err error
}

// refreshing starts a refresh, and returns a channel on which the result comes.
func (b *bundle) refreshing(ctx context.Context, req refresh.Request) <-chan finished {
	return refreshingBy(ctx, b.runner, req)
}

func refreshingBy(ctx context.Context, runner *refresh.Runner, req refresh.Request) <-chan finished {
	done := make(chan finished, 1)
	go func() {
		run, err := runner.Refresh(ctx, req)
		done <- finished{run, err}
	}()
	return done
}

// wantSucceeded waits for a refresh that has to succeed, and returns its run.
func wantSucceeded(t *testing.T, refreshing <-chan finished) catalog.Run {
	t.Helper()
	f := <-refreshing
	if f.err != nil || f.run.State != catalog.Succeeded {
		t.Fatalf("refresh: %s, %v", f.run.State, f.err)
	}
	return f.run
}

// untilSome waits until a query on the cache returns rows.
func (b *bundle) untilSome(t *testing.T, query string) {
	t.Helper()
	eventually(t, func() error {
		if len(rows(t, b.pool, query)) == 0 {
			return errors.New("no rows yet: " + query)
		}
		return nil
	})
}
