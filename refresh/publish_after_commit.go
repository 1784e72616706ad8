package refresh

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/relation"
)

// publishLater points views at tables that have been loaded and committed, once no transaction is left that is older
// than their rows. Where that does not come about, what readers see is merged with what was loaded, if it can be; else
// the next run of the view tries again, and readers keep the old generation until one of them succeeds; the note says
// so.
func (r *Runner) publishLater(ctx context.Context, j *job) (note string) {
	late := slices.DeleteFunc(slices.Clone(j.members), func(m *viewRun) bool { return !m.unpublished })
	if len(late) == 0 {
		return ""
	}
	limit := r.cfg.Patience
	if !slices.ContainsFunc(late, func(m *viewRun) bool { return !m.canMerge }) {
		limit = r.cfg.SwitchPatience
	}
	err := r.awaitOldTransactions(ctx, limit)
	if err == nil || errors.As(err, new(*stillReadError)) && limit == r.cfg.SwitchPatience {
		err = r.publishLoaded(ctx, j, err)
	}
	if err != nil {
		err = nameHolders(ctx, r.pool, err, j.names())
		r.cfg.Log.WarnContext(ctx, "new generation is not published yet",
			infra.KeyView, j.req.View.String(), infra.KeyRun, j.members[0].run.ID, infra.KeyError, redshift.Public(err))
		return waiting(!slices.ContainsFunc(late, func(m *viewRun) bool { return !m.first })) + " until the next refresh: " + infra.Message(err)
	}
	for _, m := range late {
		if run, err := r.store.Run(ctx, m.run); err == nil { // what it says if it has become a merge
			run.PublicReason = m.result.PublicReason
			m.result = run
		}
	}
	return ""
}

// waiting says what readers see while a generation is not published.
func waiting(first bool) string {
	if first {
		return "the view is not there for readers"
	}
	return "readers keep the old generation"
}

// publishLoaded publishes what runs have loaded, and tries again as a refresh does: two that grant rights on one schema
// get in each other's way, for instance. What has been done is found to be done.
func (r *Runner) publishLoaded(ctx context.Context, j *job, unseen error) error {
	for n := 1; ; n++ {
		err := r.publishOnce(ctx, j, unseen)
		if err == nil || n >= r.cfg.Attempts || !retryable(err) || r.cfg.Backoff.Wait(ctx, n) != nil {
			return err
		}
	}
}

// publishOnce points the views at the generations that runs write to, where that is still to be done. A swap that
// readers never leave room for becomes a merge, and so does one that must not be seen by transactions that are still
// open.
func (r *Runner) publishOnce(ctx context.Context, j *job, unseen error) error {
	return infra.InTx(ctx, r.pool, infra.Limits{Statement: timeLeft(ctx, j.stub.Timeout)}, func(tx pgx.Tx) error {
		for _, m := range j.members {
			if err := lock.View(ctx, tx, m.view.ID, changePatience); err != nil {
				return err
			}
		}
		a, err := r.unpublished(ctx, tx, j)
		if err != nil || len(a.works) == 0 {
			return err
		}
		if unseen != nil {
			if !canMerge(a.works) {
				return unseen
			}
			return a.mergeLoaded(ctx, j, unseen)
		}
		err = a.switchTo(ctx, j, a.works, func(tx pgx.Tx, _ relation.Try) error {
			for _, w := range a.works {
				if err := catalog.In(tx).Publish(ctx, w.view); err != nil {
					return err
				}
			}
			return nil
		})
		if starved := (*relation.StarvedError)(nil); errors.As(err, &starved) && canMerge(a.works) {
			return a.mergeLoaded(ctx, j, starved)
		}
		return err
	})
}

// unpublished returns the work that is left: views whose readers do not see what runs have loaded. Where one of a group has
// changed meanwhile, there is none: its own runs will publish it, and the others with it.
func (r *Runner) unpublished(ctx context.Context, tx pgx.Tx, j *job) (*attempt, error) {
	a := &attempt{tx: tx}
	for _, m := range j.members {
		now, state, err := catalog.In(tx).ViewAndState(ctx, m.view.Name)
		if errors.As(err, new(*catalog.NotFoundError)) || err == nil && now.ID != m.view.ID {
			continue // dropped
		}
		if err != nil {
			return nil, err
		}
		if state.Loaded == nil || *state.Loaded != now.Generation || now.Generation != m.view.Generation {
			return &attempt{tx: tx}, nil
		}
		w := &viewWork{at: a, view: now, state: state, strategy: now.Strategy}
		if w.seen() {
			continue
		}
		if w.columns, err = now.DescribedColumns(); err != nil {
			return nil, err
		}
		if w.condition, err = relation.ConditionOf(ctx, tx, now); err != nil {
			return nil, err
		}
		if err := relation.CheckCarry(now, w.condition.Relation(state.Generation)); err != nil {
			return nil, err
		}
		a.works = append(a.works, w)
	}
	return a, nil
}

// mergeLoaded writes what was loaded into what readers see.
func (a *attempt) mergeLoaded(ctx context.Context, j *job, why error) error {
	for _, w := range a.works {
		m := j.member(w.view.ID)
		w.outcome.RowsRead = w.rowsBefore()
		if err := w.mergeBack(ctx, a.tx); err != nil {
			return err
		}
		waited := time.Since(*m.result.FinishedAt)
		w.outcome.Strategy, w.outcome.Waited, w.outcome.Reason = w.strategy, &waited, mergedInstead+why.Error()
		if err := catalog.In(a.tx).Unload(ctx, w.view, m.run, w.outcome); err != nil {
			return err
		}
	}
	return nil
}
