package refresh

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh/apply"
	"github.com/redcache/redcache/refresh/relation"
)

// publish points the views at what was just filled, where that can be done in this transaction, and records the runs.
// It is the last that the transaction does: from the moment when it has the locks, readers wait for its commit.
func (a *attempt) publish(ctx context.Context, j *job) (err error) {
	var fresh []*viewWork
	// To a transaction that is older than the rows of a table, it looks empty, unless they are frozen: then the view is
	// switched, or made, later, see publish_after_commit.go. A group is published as one.
	together := true
	for _, w := range a.works {
		w.published = w.seen()
		if !w.published {
			fresh = append(fresh, w)
			together = together && w.frozen
		}
	}
	if len(fresh) == 0 || !together {
		return a.record(ctx, a.tx, j)
	}
	for _, w := range fresh {
		w.published = true
	}
	started := time.Now()
	err = a.switchTo(ctx, j, fresh, func(tx pgx.Tx, try relation.Try) error {
		for _, w := range fresh {
			if try.N > 1 {
				w.waited = time.Since(started)
			}
		}
		return a.record(ctx, tx, j)
	})
	if starved := (*relation.StarvedError)(nil); errors.As(err, &starved) && canMerge(fresh) {
		return a.mergeInstead(ctx, j, fresh, starved, time.Since(started))
	}
	return err
}

// switchTo has readers see the generations of works. What the catalog says of that is written in the same moment.
func (a *attempt) switchTo(ctx context.Context, j *job, works []*viewWork, then func(tx pgx.Tx, try relation.Try) error) (err error) {
	set := relation.Set{Waits: func() { j.tell(Publishing) }}
	for _, w := range works {
		set.Switches = append(set.Switches, &relation.Switch{
			View: w.view, Seen: w.state.Generation, Below: w.condition.Relation(w.state.Generation),
			Columns: apply.Local(w.columns), Carry: true,
		})
	}
	if err := j.flushLog(ctx); err != nil {
		return err
	}
	return relation.Publish(ctx, a.tx, relation.Shortly(a.patience(j, works)), set, func(tx pgx.Tx, try relation.Try) error {
		for i, w := range works {
			w.condition.Published = set.Switches[i].Published
		}
		return then(tx, try)
	})
}

// flushLog makes this database write out what the transaction has logged so far: the commit of another transaction does
// so, of the one that says that the run goes on. The commit that readers wait for then has little left to write.
func (j *job) flushLog(ctx context.Context) error {
	return j.runner.store.Touch(ctx, j.members[0].run)
}

func (a *attempt) patience(j *job, fresh []*viewWork) time.Duration {
	if canMerge(fresh) {
		return j.runner.cfg.SwitchPatience
	}
	return j.runner.cfg.Patience
}

const mergedInstead = "merged, not swapped: "

// mergeInstead writes into the generations that readers see what the new ones have, and drops these.
func (a *attempt) mergeInstead(ctx context.Context, j *job, fresh []*viewWork, starved *relation.StarvedError, waited time.Duration) error {
	for _, w := range fresh {
		w.waited = waited
		w.remark(mergedInstead + starved.Error())
		if err := w.mergeBack(ctx, w.at.tx); err != nil {
			return err
		}
	}
	return a.record(ctx, a.tx, j)
}

// mergeBack turns a new generation, filled and not seen by anybody, into changes of the one that readers see.
func (w *viewWork) mergeBack(ctx context.Context, tx pgx.Tx) error {
	from := w.relation()
	w.view.Generation = *w.state.Generation
	w.strategy, w.published, w.newRelation = w.traits().InPlace, true, false
	if err := w.target().Difference(ctx, tx, from, &w.outcome); err != nil {
		return err
	}
	return plan.Run(ctx, tx, []plan.Step{{Title: "drop generation", SQL: "DROP TABLE " + from}})
}
