package refresh_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/refresh"
)

// oldReader opens a transaction whose snapshot is older than whatever comes next, and that has not touched the view.
func (b *bundle) oldReader(t testing.TB) pgx.Tx {
	t.Helper()
	return begin(t, b.readers, pgx.RepeatableRead, "SELECT FROM pg_class")
}

// longReader opens a transaction that has read the view, and so keeps it from being switched.
func (b *bundle) longReader(t testing.TB, v catalog.View) pgx.Tx {
	t.Helper()
	return begin(t, b.readers, pgx.ReadCommitted, "SELECT FROM "+v.Name.SQL())
}

// begun opens a transaction of the owner that has run a statement, and holds whatever locks that takes.
func (b *bundle) begun(t testing.TB, statement string) pgx.Tx {
	t.Helper()
	return begin(t, b.pool, pgx.ReadCommitted, statement)
}

// begin opens a transaction that has run a statement, and rolls it back when the test ends, if nobody has before.
func begin(t testing.TB, pool *pgxpool.Pool, level pgx.TxIsoLevel, statement string) pgx.Tx {
	t.Helper()
	tx, err := pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: level})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) })
	if _, err := tx.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	return tx
}

func leave(t testing.TB, reader pgx.Tx) {
	t.Helper()
	if err := reader.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// holder opens a transaction that holds the view's lock, as a refresh does.
func (b *bundle) holder(t testing.TB, v catalog.View) pgx.Tx {
	t.Helper()
	stored, err := b.store.View(t.Context(), v.Name)
	if err != nil {
		t.Fatal(err)
	}
	tx := b.begun(t, "SELECT")
	if err := lock.View(t.Context(), tx, stored.ID, 0); err != nil {
		t.Fatal(err)
	}
	return tx
}

// longest is how long a test waits for anything.
const longest = 2 * time.Minute

var errTooLong = errors.New("the test has waited for long enough")

// bounded ends what a test started and never comes to an end. It is not a deadline, which a refresh would make use of.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(longest, func() { cancel(errTooLong) })
	return ctx, func() {
		timer.Stop()
		cancel(nil)
	}
}

// await waits for a value, or for a channel to be closed.
func await[T any](t testing.TB, ch <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-ch:
	case <-time.After(longest):
		t.Fatal(errTooLong)
	}
	return value
}

// keepReading reads over a connection of its own until it is stopped or read has seen enough. After each read it pauses,
// so that it leaves room for others however slow the machine is. The returned channel is closed at the end.
func (b *bundle) keepReading(
	t testing.TB, pause time.Duration, stop <-chan struct{}, read func(ctx context.Context, conn *pgx.Conn) (goOn bool),
) <-chan struct{} {
	t.Helper()
	return b.keepReadingAt(t, b.cache.ReaderURL(b.cache.Name), pause, stop, read)
}

// keepReadingAt reads a server that need not be the cache's own.
func (b *bundle) keepReadingAt(
	t testing.TB, url string, pause time.Duration, stop <-chan struct{}, read func(ctx context.Context, conn *pgx.Conn) (goOn bool),
) <-chan struct{} {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := bounded(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	t.Cleanup(func() { // of a test that failed before it stopped the reader
		cancel()
		<-ended
	})
	go func() {
		defer close(ended)
		defer conn.Close(context.WithoutCancel(ctx))
		for goOn := true; goOn; {
			select {
			case <-stop:
				return
			case <-ctx.Done():
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
	ctx, cancel := bounded(ctx)
	go func() {
		defer cancel()
		run, err := runner.Refresh(ctx, req)
		done <- finished{run, err}
	}()
	return done
}

// wantSucceeded waits for a refresh that has to succeed, and returns its run.
func wantSucceeded(t testing.TB, refreshing <-chan finished) catalog.Run {
	t.Helper()
	f := await(t, refreshing)
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
