package refresh

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/relation"
)

// succeed tidies up behind committed runs. Nothing here can make them fail any more.
func (r *Runner) succeed(ctx context.Context, j *job) catalog.Run {
	note := r.publishLater(ctx, j)
	ctx, cancel := recording(ctx)
	defer cancel()
	for _, m := range j.members {
		r.announce(ctx, m.view, m.result.State == catalog.Succeeded, m.switches)
		if m.switches || m.leftovers || rand.IntN(tidyEvery) == 0 {
			r.remark(ctx, m, r.tidy(ctx, m.view))
		}
		r.log(ctx, slog.LevelInfo, m.result)
	}
	run := j.results()
	run.Note = note
	return run
}

// skip records that somebody else is at it.
func (r *Runner) skip(ctx context.Context, j *job, held *lock.HeldError) (catalog.Run, error) {
	holder := "a session that has ended since"
	if held.Known {
		holder = held.Holder.String()
	}
	ctx, cancel := recording(ctx)
	defer cancel()
	view, err := r.store.View(ctx, j.req.View)
	if err != nil {
		return catalog.Run{}, err
	}
	strategy := cmp.Or(j.req.Strategy, view.Strategy)
	key, err := r.store.SkipRun(ctx, view, strategy, r.cfg.Origin, holder)
	if err != nil {
		return catalog.Run{}, err
	}
	r.tidy(ctx, view)
	run, err := r.store.Run(ctx, key)
	if err == nil {
		level := slog.LevelInfo
		if held.Holder.Strange {
			level = slog.LevelWarn
		}
		r.log(ctx, level, run)
	}
	return run, err
}

// dropped says of a failure, where it is so, that somebody has dropped the view since it was asked for.
func (r *Runner) dropped(ctx context.Context, j *job, err error) error {
	const foreignKeyViolation = "23503"
	if !errors.As(err, new(*catalog.NotFoundError)) && !errors.Is(err, pgx.ErrNoRows) && relation.SQLState(err) != foreignKeyViolation {
		return err
	}
	ctx, cancel := recording(ctx)
	defer cancel()
	id, unknown := r.store.ViewID(ctx, j.req.View)
	if unknown == nil && id == j.stub.ID || unknown != nil && !errors.As(unknown, new(*catalog.NotFoundError)) {
		return err
	}
	return &catalog.NotFoundError{Kind: "view", Name: j.req.View.String(), Gone: true}
}

// fail records why the runs failed, or that they were canceled, and returns the error with the view's name and a hint.
func (r *Runner) fail(ctx context.Context, j *job, cause error) (catalog.Run, error) {
	state, ended := catalog.Failed, ctx.Err() != nil
	if errors.Is(ctx.Err(), context.Canceled) { // a deadline that passed is nobody's wish
		state = catalog.Canceled
	}
	// The last step, for which there is always some time: a run that nobody ended looks as if it went on.
	limit := max(infra.Grace(ctx, recordTimeout), r.cfg.Margin/(2*answering))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	cause = nameHolders(ctx, r.pool, cause, j.names())
	if asked := j.asked(); asked != nil && !ended { // else the end is why, and not what ended by it
		cause = explainHere(asked.view, cause, "refresh")
	}
	failure := about("refresh view", j.req.View, cause)
	for _, m := range j.members {
		m.result = r.failMember(ctx, m, j, state, cause)
	}
	return j.results(), failure
}

func (r *Runner) failMember(ctx context.Context, m *viewRun, j *job, state catalog.RunState, cause error) catalog.Run {
	level := slog.LevelError
	if state == catalog.Canceled {
		level = slog.LevelInfo
	}
	told, hint := redshift.Public(cause), infra.Hint(cause)
	unknown := catalog.Run{ // where the history has no such run any more, or cannot be written
		ID: m.run.ID, StartedAt: m.run.StartedAt, View: m.view.Name, Strategy: m.view.Strategy, State: state,
		PublicError: &told, Hint: &hint,
	}
	if err := r.store.FailRun(ctx, m.run, state, cause, j.number, j.set != 0); err != nil {
		// The next holder of the lock will find the run and mark it abandoned.
		r.cfg.Log.WarnContext(ctx, "failure is not in the history", infra.KeyView, m.view.Name.String(),
			infra.KeyRun, m.run.ID, infra.KeyError, redshift.Public(err), infra.KeyHint, infra.Hint(err))
		r.log(ctx, level, unknown)
		return unknown
	}
	if j.set == 0 {
		r.tidy(ctx, m.view)
	}
	run, err := r.store.Run(ctx, m.run)
	if err != nil {
		run = unknown
	}
	r.log(ctx, level, run)
	return run
}

// log writes the one line of a run that is over. Not everybody who reads logs may see rows.
func (r *Runner) log(ctx context.Context, level slog.Level, run catalog.Run) {
	attrs := []slog.Attr{
		slog.String(infra.KeyView, run.View.String()), slog.Int64(infra.KeyRun, run.ID),
		slog.String(infra.KeyStrategy, string(run.Strategy)), slog.String(infra.KeyState, string(run.State)),
		slog.Duration(infra.KeyTook, run.Took()),
	}
	if run.RowsRead != nil {
		attrs = append(attrs, slog.Int64(infra.KeyRows, *run.RowsRead))
	}
	for _, fact := range []struct {
		key  string
		text *string
	}{{infra.KeyHolder, run.Holder}, {infra.KeyReason, &run.PublicReason}, {infra.KeyError, run.PublicError}, {infra.KeyHint, run.Hint}} {
		if fact.text != nil && *fact.text != "" {
			attrs = append(attrs, slog.String(fact.key, *fact.text))
		}
	}
	r.cfg.Log.LogAttrs(ctx, level, "run finished", attrs...)
}
