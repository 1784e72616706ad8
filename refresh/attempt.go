package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// bound makes the statements that follow end at the deadline, if there is one: getting this far has taken time.
func (a *attempt) bound(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		return nil
	}
	_, err := a.tx.Exec(ctx, `SELECT pg_catalog.set_config('statement_timeout', $1, true)`,
		fmt.Sprintf("%dms", timeLeft(ctx, a.timeout()).Milliseconds()))
	return wrap(err, "set limits")
}

// read reads what the members need and writes it into their generations. It does so inside a savepoint, so that the
// session can be asked, and closed, after a failure.
func (a *attempt) read(ctx context.Context, r *Runner) error {
	// Both servers end a statement at the timeout. This is for a Redshift that has fallen silent: a backend that waits
	// for it inside dblink does not get as far as ending its statement.
	ctx, cancel := context.WithTimeoutCause(ctx, a.timeout()+silence, errSilent)
	defer cancel()
	stop := a.source.Watch(ctx)
	at := a.works[0]
	outer := a.tx
	err := infra.InSavepoint(ctx, outer, func(nested pgx.Tx) (err error) {
		a.tx = nested
		at, err = a.readAll(ctx, r)
		return err
	})
	a.tx = outer
	stopErr := stop(err)
	if stopErr != nil {
		r.cfg.Log.WarnContext(ctx, "statement may still run on the remote side",
			infra.KeyView, at.view.Name.String(), infra.KeyError, redshift.Public(stopErr))
	}
	if err != nil {
		err = a.name(at, at.diagnose(ctx, err))
		if stopErr != nil && !errors.Is(err, stopErr) {
			err = infra.Hinted(fmt.Errorf("%w; %w", err, stopErr), infra.Hint(err))
		}
	}
	return err
}

// readAll returns the member at which it failed.
func (a *attempt) readAll(ctx context.Context, r *Runner) (at *viewWork, err error) {
	at = a.works[0]
	if a.asOf, err = a.clock(ctx); err != nil {
		return at, err
	}
	a.asOf = a.source.AsOf(a.asOf)
	if !r.rehearses { // nobody asks whether the source has changed either
		if at, err = a.askReady(ctx); err != nil || a.unready != nil {
			return at, err
		}
	}
	for _, w := range a.works {
		if r.rehearses {
			break
		}
		if err := w.probeModified(ctx, r.cfg.ModifiedLag); err != nil {
			return w, err
		}
	}
	if a.unchanged() {
		return at, nil
	}
	if a.snapshot = a.needsSnapshot(); a.snapshot {
		if err := a.source.Begin(ctx); err != nil {
			return at, err
		}
	}
	for _, w := range a.works {
		if err := w.probeContent(ctx); err != nil {
			return w, err
		}
	}
	if !a.unchanged() {
		for _, w := range a.works {
			if err := w.load(ctx); err != nil {
				return w, err
			}
		}
	}
	if a.snapshot {
		return at, a.source.Commit(ctx)
	}
	return at, nil
}

// needsSnapshot says whether several reads have to see the same moment.
func (a *attempt) needsSnapshot() bool {
	return len(a.works) > 1 ||
		slices.ContainsFunc(a.works, func(w *viewWork) bool { return w.proof.wantsContent || a.source.Splits(w.query("")) })
}

// finish publishes and records what was read, or proven.
func (a *attempt) finish(ctx context.Context, j *job) error {
	switch {
	case a.unready != nil:
		return a.recordUnready(ctx, j)
	case a.unchanged():
		return a.recordUnchanged(ctx, j)
	case j.set != 0: // whose views are published together
		if err := a.record(ctx, a.tx, j); err != nil {
			return err
		}
		return catalog.In(a.tx).TouchSet(ctx, j.set, 0)
	}
	return a.publish(ctx, j)
}

// closeSource closes the session, and returns the failure that came before, if any. It does so before the transaction
// ends, also after a failure.
func (a *attempt) closeSource(ctx context.Context, failure error) error {
	ctx, cancel := recording(ctx)
	defer cancel()
	err := a.source.Close(ctx)
	if failure != nil {
		return failure
	}
	return err
}
