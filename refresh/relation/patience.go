package relation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
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

// Shortly is the patience of what has no other way than the locks: of however many views, a new reader waits no longer.
func Shortly(limit time.Duration) Patience {
	return Patience{First: ShortLock, Longest: ShortLock, Limit: limit}
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
		"forgotten ones with SELECT gid, prepared FROM pg_prepared_xacts. Wait until they have ended, or SELECT pg_terminate_backend(pid)."
}

// Try is one attempt to get strong locks.
type Try struct {
	N    int           // the first is 1
	wait time.Duration // what has to wait for locks so long lets the readers pass that queue behind it
}

// Patiently runs fn, which takes strong locks, in a savepoint, until it gets them. What the transaction did before
// stays. Tries begin short and get longer. When it gives up it returns a *StarvedError, which does not wrap what the
// server said: what has been tried for so long is not worth another attempt that reads everything again.
func Patiently(ctx context.Context, tx pgx.Tx, p Patience, doing string, fn func(tx pgx.Tx, try Try) error) error {
	if plan.Rehearses(tx) {
		p = Patience{First: ShortLock} // a single try
	}
	deadline := time.Now().Add(p.Limit)
	for wait, n := p.First, 1; ; wait, n = min(2*wait, p.Longest), n+1 {
		err := briefly(ctx, tx, wait, func(tx pgx.Tx) error { return fn(tx, Try{n, wait}) })
		pg, busy := inTheWay(err)
		if !busy {
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

// inTheWay says whether somebody else was at the same things just then.
func inTheWay(err error) (pg *pgconn.PgError, busy bool) {
	if !errors.As(err, &pg) {
		return nil, false
	}
	const together = "tuple concurrently " // updated, or deleted; it is never translated
	return pg, pg.Code == LockNotAvailable || pg.Code == internalError && strings.HasPrefix(pg.Message, together)
}

// internalError is the SQLSTATE of what PostgreSQL takes for no ordinary error, such as two that grant rights on one object.
const internalError = "XX000"

// Run runs statements in order, in one go over the network. All their locks together are waited for as long as the try
// allows, not each: whoever queues behind the first of them waits for the last one as well. at is the step that failed.
func (t Try) Run(ctx context.Context, tx pgx.Tx, steps []plan.Step) (at int, err error) {
	// lock_timeout counts for each lock anew, so before each statement it is set to what is left.
	const left = `SELECT pg_catalog.set_config('lock_timeout', greatest(1, pg_catalog.ceil(
		extract(epoch FROM $1::timestamptz - pg_catalog.clock_timestamp()) * 1000))::bigint::text, true)`
	var now time.Time
	if err := tx.QueryRow(ctx, `SELECT pg_catalog.clock_timestamp()`).Scan(&now); err != nil {
		return 0, fmt.Errorf("read the time: %w", err)
	}
	until := [][]byte{[]byte(now.Add(t.wait).UTC().Format("2006-01-02 15:04:05.999999+00"))}
	batch := &pgconn.Batch{}
	for _, step := range steps {
		if !plan.Sends(tx, step) {
			return 0, fmt.Errorf("%s: only the rows of nobody can be pipelined", step.Title)
		}
		batch.ExecParams(left, until, nil, nil, nil)
		batch.ExecParams(step.SQL, nil, nil, nil, nil)
	}
	results := tx.Conn().PgConn().ExecBatch(ctx, batch)
	done := 0
	for results.NextResult() {
		if _, err := results.ResultReader().Close(); err == nil {
			done++
		}
	}
	if err := results.Close(); err != nil {
		at = min(done/2, len(steps)-1)
		return at, &plan.StepError{Title: steps[at].Title, Err: err}
	}
	return 0, nil
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
