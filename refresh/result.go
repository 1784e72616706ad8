package refresh

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
)

// recordTimeout bounds the writing of a result after the caller's context has ended.
const recordTimeout = 10 * time.Second

func recording(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
}

// succeed tidies up behind a committed run. Nothing here can make the run fail any more.
func (r *Runner) succeed(ctx context.Context, a *attempt) (catalog.Run, error) {
	note := ""
	if a.unpublished {
		note = r.publishLater(ctx, a.view)
	}
	ctx, cancel := recording(ctx)
	defer cancel()
	if err := r.store.Notify(ctx, a.view); err != nil {
		r.cfg.Log.WarnContext(ctx, "nobody was told of new rows",
			infra.KeyView, a.view.Name.String(), infra.KeyError, infra.Message(err))
	}
	if a.switches || a.runID%tidyEvery == 0 {
		r.tidy(ctx, a.view)
	}
	run := a.result
	run.Note = note
	r.log(ctx, slog.LevelInfo, run)
	return run, nil
}

// tidyEvery is the share of ordinary runs after which the history is pruned: not each has to pay for that.
const tidyEvery = 16

// tidy bounds the history and drops what no reader can see any more. A later run tries again what fails here.
func (r *Runner) tidy(ctx context.Context, v catalog.View) {
	leftovers, err := r.store.Tidy(ctx, v, r.cfg.KeepRuns)
	if err == nil && leftovers {
		err = dropLeftovers(ctx, r.pool, v)
	}
	inUse := errors.As(err, new(*lock.HeldError)) || sqlState(err) == lockNotAvailable
	if err != nil && !inUse {
		r.cfg.Log.WarnContext(ctx, "tidying up after a run",
			infra.KeyView, v.Name.String(), infra.KeyError, infra.Message(err))
	}
}

// skip records that somebody else is at it.
func (r *Runner) skip(ctx context.Context, a *attempt, held *lock.HeldError) (catalog.Run, error) {
	holder := "a session that has ended since"
	if held.Known {
		holder = held.Holder.String()
	}
	ctx, cancel := recording(ctx)
	defer cancel()
	var err error
	if a.view, err = r.store.View(ctx, a.req.View); err != nil {
		return catalog.Run{}, err
	}
	id, err := r.store.SkipRun(ctx, a.view, a.strategy(), r.cfg.Origin, holder)
	if err != nil {
		return catalog.Run{}, err
	}
	r.tidy(ctx, a.view)
	run, err := r.store.Run(ctx, id)
	if err == nil {
		r.log(ctx, slog.LevelInfo, run)
	}
	return run, err
}

// fail records why a run failed, or that it was canceled, and returns the error with the view's name and a hint.
func (r *Runner) fail(ctx context.Context, a *attempt, cause error) (catalog.Run, error) {
	hint := infra.Hint(cause)
	failure := about("refresh view", a.view.Name, cause)
	state, level := catalog.Failed, slog.LevelError
	if ctx.Err() != nil {
		state, level = catalog.Canceled, slog.LevelInfo
	}
	if a.runID == 0 {
		return catalog.Run{}, failure
	}
	ctx, cancel := recording(ctx)
	defer cancel()
	if err := r.store.FailRun(ctx, a.runID, state, infra.Message(cause), hint, a.number); err != nil {
		// The next holder of the lock will find the run and mark it abandoned.
		r.cfg.Log.WarnContext(ctx, "failure is not in the history", infra.KeyRun, a.runID, infra.KeyError, err.Error())
		return catalog.Run{ID: a.runID, View: a.view.Name, State: state}, failure
	}
	r.tidy(ctx, a.view)
	run, err := r.store.Run(ctx, a.runID)
	if err != nil {
		return catalog.Run{ID: a.runID, View: a.view.Name, State: state}, failure
	}
	r.log(ctx, level, run)
	return run, failure
}

func (r *Runner) log(ctx context.Context, level slog.Level, run catalog.Run) {
	attrs := []slog.Attr{
		slog.String(infra.KeyView, run.View.String()), slog.Int64(infra.KeyRun, run.ID),
		slog.String(infra.KeyStrategy, string(run.Strategy)), slog.String(infra.KeyState, string(run.State)),
		slog.Duration(infra.KeyTook, run.Took()),
	}
	if run.RowsRead != nil {
		attrs = append(attrs, slog.Int64(infra.KeyRows, *run.RowsRead))
	}
	for key, text := range map[string]*string{infra.KeyHolder: run.Holder, infra.KeyError: run.Error} {
		if text != nil {
			attrs = append(attrs, slog.String(key, *text))
		}
	}
	r.cfg.Log.LogAttrs(ctx, level, "run finished", attrs...)
}
