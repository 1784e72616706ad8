package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/redshift"
)

// Refresh refreshes one view, with the others of its group if it has one, and returns its run as it stands in the
// history. A run that was skipped, because somebody else holds the lock or the source is not ready, is no error. With OnlyIfDue, a view that is not
// due returns a zero Run. An error comes with the failed run, if it got as far as having one.
//
// When ctx has a deadline, the work is over on both servers before it, done or not; see [LateError].
func (r *Runner) Refresh(ctx context.Context, req Request) (catalog.Run, error) {
	work, cancel := r.within(ctx)
	defer cancel()
	if err := r.early(work, 0); err != nil {
		return catalog.Run{}, about("refresh view", req.View, err)
	}
	stub, err := r.store.Stub(work, req.View)
	if err != nil {
		return catalog.Run{}, r.store.Explain(work, err)
	}
	j := &job{runner: r, req: req, stub: stub, repaired: map[redshift.Class]bool{}, mended: map[int32][]string{}}
	err = r.dropped(work, j, r.store.Explain(work, r.tryUntilDone(work, j)))
	var held *lock.HeldError
	switch {
	case errors.Is(err, errNotDue):
		return catalog.Run{}, nil
	case errors.As(err, &held) && j.members == nil:
		run, err := r.skip(work, j, held)
		return run, r.dropped(work, j, err)
	case err != nil:
		return r.fail(work, j, err)
	}
	return r.succeed(work, j), nil
}

// tryUntilDone makes attempts until one commits, or fails in a way that trying again does not mend.
func (r *Runner) tryUntilDone(ctx context.Context, j *job) error {
	commits := commits{runner: r}
	for began := time.Now(); ; {
		j.number++
		err := commits.after(ctx, j.run(ctx), func(ctx context.Context) (bool, error) { return r.committed(ctx, j) })
		if errors.As(err, new(*lock.HeldError)) && j.lastErr != nil {
			return fmt.Errorf("%w; then %w", j.lastErr, err) // lost to somebody else between two attempts
		}
		again, hopeless := j.repair(ctx, err)
		late := time.Since(began) >= j.stub.Timeout // of a source that answers nothing, for instance
		if hopeless != nil {
			return hopeless
		}
		if err == nil || ctx.Err() != nil || !again && (late || j.number >= r.cfg.Attempts || !retryable(err)) {
			return err
		}
		j.lastErr = err
		r.cfg.Log.WarnContext(ctx, "refresh is tried again", infra.KeyView, j.req.View.String(),
			infra.KeyRun, j.runID(), infra.KeyAttempt, j.number, infra.KeyError, redshift.Public(err), infra.KeyHint, infra.Hint(err))
		if err := r.pause(ctx, j, again); err != nil {
			return fmt.Errorf("%w; %w", j.lastErr, err)
		}
	}
}

// pause waits before the next attempt, unless what failed has been mended; a *LateError when there is no time for one.
func (r *Runner) pause(ctx context.Context, j *job, mended bool) error {
	if mended {
		return r.early(ctx, 0)
	}
	delay := r.cfg.Backoff.Delay(j.number)
	if err := r.early(ctx, delay); err != nil {
		return err
	}
	j.stillAtIt(ctx, delay)
	return infra.Sleep(ctx, delay)
}

// committed says whether an attempt has been committed: the run's result was part of it.
func (r *Runner) committed(ctx context.Context, j *job) (bool, error) {
	if j.members == nil {
		return false, nil
	}
	run, err := r.store.Run(ctx, j.members[0].run) // they all commit together
	return run.State.Succeeds() || run.Unready(), err
}
