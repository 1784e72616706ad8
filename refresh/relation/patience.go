package relation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/infra"
)

// A strong lock on what readers use makes every new reader queue behind it while it waits. So it waits for a short
// time only, lets the queue pass, and tries again later.
const (
	ShortLock = 100 * time.Millisecond // how long new readers may have to queue
	FirstLock = 250 * time.Millisecond // at first, where the strategy makes readers wait anyway
	LongLock  = 5 * time.Second        // the same, in the end
)

const LockNotAvailable = "55P03"

// Patience is how long each try to get a lock waits, at first and in the end, and how long tries go on.
type Patience struct{ First, Longest, Limit time.Duration }

// Shortly is the patience of what has no other way than the lock, for so many views at once: a new reader waits for all of
// their locks.
func Shortly(views int, limit time.Duration) Patience {
	return Patience{First: ShortLock / time.Duration(views), Longest: ShortLock, Limit: limit}
}

// StarvedError says that readers never left for long enough.
type StarvedError struct {
	doing  string
	limit  time.Duration
	server string
}

// Error says what was kept from happening.
func (e *StarvedError) Error() string {
	return fmt.Sprintf("%s: readers kept it in use for %s: %s", e.doing, e.limit, e.server)
}

// Hint says where to look.
func (e *StarvedError) Hint() string {
	return "Look for long transactions with SELECT pid, xact_start, query FROM pg_stat_activity ORDER BY xact_start, and for " +
		"forgotten ones with SELECT gid, prepared FROM pg_prepared_xacts; " +
		"strategies concurrent, incremental and merge never wait for readers."
}

// Patiently runs fn, which takes a strong lock, in a savepoint, until it gets the lock. What the transaction did before
// stays. Tries begin short and get longer. When it gives up it returns a *starvedError, which does not wrap what the
// server said: what has been tried for so long is not worth another attempt that reads everything again.
func Patiently(ctx context.Context, tx pgx.Tx, p Patience, doing string, fn func(tx pgx.Tx, tries int) error) error {
	deadline := time.Now().Add(p.Limit)
	for wait, tries := p.First, 1; ; wait, tries = min(2*wait, p.Longest), tries+1 {
		err := briefly(ctx, tx, wait, func(tx pgx.Tx) error { return fn(tx, tries) })
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != LockNotAvailable {
			return err
		}
		if time.Now().After(deadline) {
			return &StarvedError{doing, p.Limit, pg.Message}
		}
		pause := 100*time.Millisecond + rand.N(400*time.Millisecond)
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

// briefly runs fn in a savepoint, in which no lock is waited for longer than wait. Afterwards the transaction's own
// limit holds again; releasing a savepoint alone would not bring it back.
func briefly(ctx context.Context, tx pgx.Tx, wait time.Duration, fn func(tx pgx.Tx) error) error {
	return infra.InSavepoint(ctx, tx, func(nested pgx.Tx) error {
		var before string
		if err := nested.QueryRow(ctx, `SELECT pg_catalog.current_setting('lock_timeout')`).Scan(&before); err != nil {
			return err
		}
		if err := setLockTimeout(ctx, nested, fmt.Sprint(wait.Milliseconds())); err != nil {
			return err
		}
		if err := fn(nested); err != nil {
			return err
		}
		return setLockTimeout(ctx, nested, before)
	})
}

func setLockTimeout(ctx context.Context, tx pgx.Tx, value string) error {
	_, err := tx.Exec(ctx, `SELECT pg_catalog.set_config('lock_timeout', $1, true)`, value)
	if err != nil {
		return fmt.Errorf("set lock timeout: %w", err)
	}
	return nil
}
