package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
)

// errStillRead means that a generation cannot be published yet; a later run tries again.
var errStillRead = errors.New("transactions are open that are older than the new generation's rows, and would see none of them")

// publishLater points the view at a table that has been loaded and committed, once no transaction is left that is
// older than its rows. It gives up after lockPatience, or when ctx ends; then the next run of the view tries again,
// and readers keep the old generation until one of them succeeds; the note says so.
func (r *Runner) publishLater(ctx context.Context, v catalog.View) (note string) {
	err := r.awaitOldTransactions(ctx)
	if err == nil {
		err = r.publishLoaded(ctx, v)
	}
	if err != nil {
		r.cfg.Log.WarnContext(ctx, "new generation is not published yet",
			infra.KeyView, v.Name.String(), infra.KeyError, infra.Message(err))
		return "readers keep the old generation until the next refresh: " + infra.Message(err)
	}
	return ""
}

// awaitOldTransactions waits for the transactions that are open now to end. Each holds the lock on its own virtual
// transaction id, which everybody may look at, other than at the age of other people's snapshots.
func (r *Runner) awaitOldTransactions(ctx context.Context) error {
	const open = `
		SELECT coalesce(array_agg(l.virtualxid), '{}')
		FROM pg_catalog.pg_locks l
		JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'virtualxid' AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()
		  AND a.datname = current_database() AND a.backend_type = 'client backend'
		  AND NOT EXISTS ( -- other refreshes read no views
		      SELECT FROM pg_catalog.pg_locks h
		      WHERE h.pid = l.pid AND h.locktype = 'advisory' AND h.classid = 'redcache.view'::regclass)
		  AND ($1::text[] IS NULL OR l.virtualxid = ANY ($1))`
	var old []string
	if err := r.pool.QueryRow(ctx, open, nil).Scan(&old); err != nil {
		return fmt.Errorf("look for open transactions: %w", err)
	}
	deadline := time.After(lockPatience)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for len(old) > 0 {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline:
			return errStillRead
		case <-tick.C:
		}
		if err := r.pool.QueryRow(ctx, open, old).Scan(&old); err != nil {
			return fmt.Errorf("look for open transactions: %w", err)
		}
	}
	return nil
}

// publishLoaded points the view at the generation that runs write to, if that is still to be done.
func (r *Runner) publishLoaded(ctx context.Context, v catalog.View) error {
	return infra.InTx(ctx, r.pool, infra.Limits{}, func(tx pgx.Tx) error {
		if err := lock.View(ctx, tx, v.ID, changePatience); err != nil {
			return err
		}
		store := catalog.In(tx)
		now, state, err := store.ViewAndState(ctx, v.Name)
		if err != nil {
			return err
		}
		if state.Loaded == nil || *state.Loaded != now.Generation || now.Generation != v.Generation {
			return nil // changed meanwhile; its own runs will publish it
		}
		columns, err := now.DescribedColumns()
		if err != nil {
			return err
		}
		if err := repoint(ctx, tx, now, columns); err != nil {
			return err
		}
		return store.Publish(ctx, now)
	})
}
