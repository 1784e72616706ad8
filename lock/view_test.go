package lock_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/lock"
)

func TestView_OneHolderAmongMany(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const sessions, rounds = 16, 10
	var inside, taken, skipped atomic.Int64
	work := func(tx pgx.Tx, wait time.Duration) error {
		err := lock.View(t.Context(), tx, 7, wait)
		if _, held := errors.AsType[*lock.HeldError](err); held {
			skipped.Add(1)
			return nil
		}
		if err != nil {
			return err
		}
		defer inside.Add(-1)
		if n := inside.Add(1); n != 1 {
			t.Errorf("%d sessions hold the lock at once", n)
		}
		taken.Add(1)
		// The lock must cover work on the server, not only the moment in which it is taken.
		_, err = tx.Exec(t.Context(), `SELECT count(*) FROM pg_catalog.pg_class`)
		return err
	}
	var all sync.WaitGroup
	for i := range sessions {
		all.Go(func() {
			for range rounds {
				// inside counts down before the transaction ends: the count may be too low, never too high.
				err := pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
					return work(tx, time.Duration(i%2)*patience)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := taken.Load() + skipped.Load(); got != sessions*rounds {
		t.Errorf("%d outcomes, want %d", got, sessions*rounds)
	}
	if got := taken.Load(); got < sessions*rounds/2 {
		t.Errorf("lock taken %d times, want at least by the %d who waited", got, sessions*rounds/2)
	}
}

func TestView_NamesTheHolder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	holder, other := b.begin(t, "redcache worker host-a"), b.begin(t, "other")
	lockView(t, holder, 7)

	err := lock.View(t.Context(), other, 7, 0)

	held := wantHeld(t, err)
	if !held.Known || held.ViewID != 7 || held.Holder.PID != pidOf(holder) ||
		held.Holder.Application != "redcache worker host-a" || held.Holder.User != "redcache_owner" ||
		held.Holder.ClientAddr != "127.0.0.1" || held.Holder.State != "idle in transaction" {
		t.Errorf("got %+v", held)
	}
	if age := time.Since(held.Holder.Since); age < 0 || age > patience {
		t.Errorf("holder's transaction began %v ago", age)
	}
	for _, part := range []string{"view 7", "pid ", "(redcache worker host-a) since "} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	lockView(t, other, 8) // the transaction goes on
}

// A transaction keeps its first look at pg_stat_activity, in which a later session does not exist.
func TestView_NamesAHolderThatCameLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.begin(t, "other")
	first := b.begin(t, "first")
	lockView(t, first, 7)
	wantHeld(t, lock.View(t.Context(), other, 7, 0))
	rollback(t, first)
	lockView(t, b.begin(t, "second"), 7)

	held := wantHeld(t, lock.View(t.Context(), other, 7, 0))
	if held.Holder.Application != "second" {
		t.Errorf("got holder %+v, want the second", held.Holder)
	}
}

func TestView_NamesAStrangerAsFarAsAllowed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stranger := begin(t, b.db.AdminURL(b.db.Name), "somebody's psql")
	lockView(t, stranger, 7)

	held := wantHeld(t, lock.View(t.Context(), b.begin(t, "other"), 7, 0))
	h := held.Holder
	if !held.Known || h.PID != pidOf(stranger) || h.User != "postgres" {
		t.Errorf("got %+v", held)
	}
	if !h.Since.IsZero() || h.State != "" || h.ClientAddr != "" {
		t.Errorf("got %+v, want nothing that this role may not see", h)
	}
	if text := h.String(); strings.Contains(text, "since") || !strings.Contains(text, "(somebody's psql)") {
		t.Errorf("holder reads %q", text)
	}
}

func TestView_WaitEndsWithTheRelease(t *testing.T) {
	t.Parallel()
	b := setup(t)
	holder, waiter := b.begin(t, "holder"), b.begin(t, "waiter")
	setTimeouts(t, waiter, "4321ms", "4322ms")
	lockView(t, holder, 7)
	result := make(chan error, 1)
	go func() { result <- lock.View(t.Context(), waiter, 7, patience) }()
	b.awaitLocks(t, "the waiter", waiting)

	released := time.Now()
	rollback(t, holder)
	if err := <-result; err != nil {
		t.Fatalf("View: %v", err)
	}
	// Being woken takes about a millisecond. Polling, even ten times a second, would not pass often.
	if took := time.Since(released); took > 3*time.Second {
		t.Errorf("the waiter was woken %v after the release", took)
	}
	wantTimeouts(t, waiter, "4321ms", "4322ms")
	wantHeld(t, lock.View(t.Context(), b.begin(t, "third"), 7, 0))
}

func TestView_WaitOutlivesTheStatementTimeout(t *testing.T) {
	t.Parallel()
	b := setup(t)
	holder, waiter := b.begin(t, "holder"), b.begin(t, "waiter")
	setTimeouts(t, waiter, "4321ms", "1s")
	lockView(t, holder, 7)
	waiterPID := pidOf(waiter)
	result := make(chan error, 1)
	go func() { result <- lock.View(t.Context(), waiter, 7, patience) }()
	b.awaitLocks(t, "the waiter", waiting)
	b.awaitTrue(t, `SELECT clock_timestamp() > query_start + interval '1.2 s' FROM pg_catalog.pg_stat_activity
		WHERE pid = $1`, waiterPID)

	rollback(t, holder)
	if err := <-result; err != nil {
		t.Fatalf("View: %v", err)
	}
	wantTimeouts(t, waiter, "4321ms", "1s")
}

func TestView_WaitEndsAtItsLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	holder, waiter := b.begin(t, "holder"), b.begin(t, "waiter")
	lockView(t, holder, 7)
	setTimeouts(t, waiter, "4321ms", "4322ms")
	const wait = 300 * time.Millisecond

	start := time.Now()
	held := wantHeld(t, lock.View(t.Context(), waiter, 7, wait))
	if took := time.Since(start); took < wait || took > wait+5*time.Second {
		t.Errorf("waited %v, want %v", took, wait)
	}
	if !held.Known || held.Holder.PID != pidOf(holder) {
		t.Errorf("got %+v, want the holder", held)
	}
	wantTimeouts(t, waiter, "4321ms", "4322ms")
	lockView(t, waiter, 8) // the transaction goes on
	rollback(t, holder)
	lockView(t, waiter, 7)
}

func TestView_WaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	b := setup(t)
	holder, waiter := b.begin(t, "holder"), b.begin(t, "waiter")
	lockView(t, holder, 7)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- lock.View(ctx, waiter, 7, patience) }()
	b.awaitLocks(t, "the waiter", waiting)

	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's end", err)
	}
	b.awaitLocks(t, "only the holder", func(locks []lock.Held) bool { return len(locks) == 1 })
}

func TestView_MayBeTakenTwiceInOneTransaction(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tx := b.begin(t, "holder")
	lockView(t, tx, 7)
	lockView(t, tx, 7)
}

func setTimeouts(t *testing.T, tx pgx.Tx, lockTimeout, statementTimeout string) {
	t.Helper()
	_, err := tx.Exec(t.Context(), `SELECT set_config('lock_timeout', $1, true),
		set_config('statement_timeout', $2, true)`, pgx.QueryExecModeExec, lockTimeout, statementTimeout)
	if err != nil {
		t.Fatalf("set timeouts: %v", err)
	}
}

func wantTimeouts(t *testing.T, tx pgx.Tx, lockTimeout, statementTimeout string) {
	t.Helper()
	var gotLock, gotStatement string
	err := tx.QueryRow(t.Context(), `SELECT current_setting('lock_timeout'), current_setting('statement_timeout')`).
		Scan(&gotLock, &gotStatement)
	if err != nil {
		t.Fatalf("read timeouts: %v", err)
	}
	if gotLock != lockTimeout || gotStatement != statementTimeout {
		t.Errorf("timeouts are %s, %s; want %s, %s", gotLock, gotStatement, lockTimeout, statementTimeout)
	}
}
