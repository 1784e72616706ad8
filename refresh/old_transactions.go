package refresh

import (
	"context"
	"time"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// stillReadError says that a generation cannot be published yet; a later run tries again.
type stillReadError struct {
	pids []int32 // of the backends whose transactions are in the way
}

// Error names the backends.
func (e *stillReadError) Error() string {
	return "transactions are open that are older than the new generation's rows, and would see none of them; their backends: " +
		some(e.pids)
}

// transactions are open ones, by their virtual ids, and the backends that have them.
type transactions struct {
	ids  []string
	pids []int32
}

// awaitOldTransactions waits for the transactions that are open now to end. Whoever has a snapshot has a transaction, and
// whoever begins one from now on sees what has been committed. It cannot tell which of them have a snapshot: that is
// hidden from other roles. A rehearsal has nothing that others could come to see.
func (r *Runner) awaitOldTransactions(ctx context.Context, limit time.Duration) error {
	if r.rehearses {
		return nil
	}
	old, err := r.openTransactions(ctx, nil)
	if err != nil {
		return err
	}
	deadline := time.After(limit)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for len(old.ids) > 0 {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline:
			return &stillReadError{old.pids}
		case <-tick.C:
		}
		if old, err = r.openTransactions(ctx, old.ids); err != nil {
			return err
		}
	}
	return nil
}

// openTransactions returns the open transactions of the database: all, or those of some that are still there.
func (r *Runner) openTransactions(ctx context.Context, among []string) (open transactions, err error) {
	err = infra.Pinned(r.pool).QueryRow(ctx, sql.OpenTransactions, among).Scan(&open.ids, &open.pids)
	return open, wrap(err, "look for open transactions")
}
