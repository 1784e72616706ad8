package refresh

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
	shortLock    = 250 * time.Millisecond // how long new readers may have to queue
	longLock     = 5 * time.Second        // the same, where the strategy makes readers wait anyway
	lockPatience = time.Minute            // how long tries go on
)

const lockNotAvailable = "55P03"

// patiently runs fn, which takes a strong lock, in a savepoint, until it gets the lock. What the transaction did before
// stays. Tries begin short and get longer, up to longest. It gives up after lockPatience.
func patiently(ctx context.Context, tx pgx.Tx, longest time.Duration, doing string, fn func(tx pgx.Tx) error) error {
	deadline := time.Now().Add(lockPatience)
	for wait := shortLock; ; wait = min(2*wait, longest) {
		err := briefly(ctx, tx, wait, fn)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != lockNotAvailable {
			return err
		}
		if time.Now().After(deadline) {
			// Not wrapped: what has been tried for a minute is not worth another attempt that reads everything again.
			return infra.Hinted(
				fmt.Errorf("%s: readers kept it in use for %s: %s", doing, lockPatience, pg.Message),
				"Look for long transactions with SELECT pid, xact_start, query FROM pg_stat_activity ORDER BY xact_start; "+
					"strategies concurrent and incremental never wait for readers.")
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
	return inSavepoint(ctx, tx, func(nested pgx.Tx) error {
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
	return wrap(err, "set lock timeout")
}
