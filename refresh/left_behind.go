package refresh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/relation"
)

// dropSet drops what a set has built, and deletes what the catalog has of it, unless somebody is at it. Nobody reads any of
// it.
func (r *Runner) dropSet(ctx context.Context, set int32) error {
	return infra.InTx(ctx, r.pool, infra.Limits{Lock: relation.ShortLock}, func(tx pgx.Tx) error {
		if taken, err := lock.Set(ctx, tx, set, 0); err != nil || !taken {
			return err
		}
		if pending, err := catalog.In(tx).Pending(ctx, set); err != nil || !pending { // it may have taken effect meanwhile
			return err
		}
		members, err := catalog.In(tx).Prepared(ctx, set)
		if err != nil {
			return err
		}
		for _, m := range members {
			if err := relation.DropGeneration(ctx, tx, m.View); err != nil {
				return err
			}
		}
		return catalog.In(tx).DropSet(ctx, set)
	})
}

// inTheWay finds out whether somebody is at what a decision was refused for: it changes a view that somebody else is changing,
// or adds one under a name that is taken. What a process has left behind that has ended goes, and the decision can be made once
// more.
func (d *Definer) inTheWay(ctx context.Context, refused error) error {
	busy, is := errors.AsType[*catalog.BusyError](refused)
	if exists, taken := errors.AsType[*catalog.ExistsError](refused); taken {
		view, _ := catalog.ParseName(exists.Name) // there is none with another name
		set, err := d.runner.store.Adding(ctx, view)
		if err != nil || set == nil {
			return cmp.Or(err, refused)
		}
		busy, is = &catalog.BusyError{View: view, By: *set}, true
	}
	if !is {
		return refused
	}
	if busy.By.Pause() > 0 {
		d.say(Phase("waiting to see whether somebody is at it still: " + busy.By.String()))
	}
	if err := infra.Sleep(ctx, busy.By.Pause()); err != nil {
		return err
	}
	if err := d.runner.dropSet(ctx, busy.By.ID); err != nil {
		return err
	}
	set, err := d.runner.store.PendingSet(ctx, busy.By.ID)
	if err != nil || set == nil {
		return cmp.Or(err, errMoved)
	}
	busy.By = *set
	return busy
}

// checkFree refuses to change views that somebody else is changing, and to take from under him what he builds on: what he has
// built for hours would be for nothing. The set that asks is in nobody's way.
func checkFree(ctx context.Context, tx pgx.Tx, own int32, decisions []decision) error {
	sets, err := catalog.In(tx).PendingSets(ctx)
	if err != nil {
		return err
	}
	sets = slices.DeleteFunc(sets, func(set catalog.PendingSet) bool { return set.ID == own })
	for _, c := range decisions {
		for _, set := range sets {
			if !c.Add && set.Has(c.Name) || !c.Drop && set.Regroups(c.after.Group) {
				return &catalog.BusyError{View: c.Name, Group: c.after.Group, By: set}
			}
			if c.reshapes() && set.Reads(c.Name) {
				return &catalog.BusyError{View: c.Name, By: set}
			}
			for _, input := range c.inputs {
				if set.Reshapes(input.Name) {
					return &catalog.BusyError{View: c.Name, Input: input.Name, By: set}
				}
			}
		}
	}
	return nil
}

// CleanUp drops what processes have left behind that have ended while they were building a set. Where that fails, the next
// one tries again.
func (r *Runner) CleanUp(ctx context.Context) error {
	sets, err := r.store.LeftBehind(ctx, r.cfg.Silence)
	for _, set := range sets {
		if failed := r.dropSet(ctx, set); failed != nil {
			err = errors.Join(err, fmt.Errorf("drop what was left behind: %w", failed))
		}
	}
	return errors.Join(err, r.expire(ctx))
}

// expire drops what was kept to go back to, for long enough. What is in use now goes after a later run of its view.
func (r *Runner) expire(ctx context.Context) error {
	names, err := r.store.Expire(ctx)
	for _, name := range names {
		if v, gone := r.store.View(ctx, name); gone == nil {
			_, _ = relation.DropLeftovers(ctx, r.pool, v) // what fails, a run will say
		}
	}
	return err
}

// dropSets is [Runner.CleanUp] beside something else, which goes on whatever becomes of it.
func (r *Runner) dropSets(ctx context.Context) {
	if err := r.CleanUp(ctx); err != nil {
		r.cfg.Log.WarnContext(ctx, "what was left behind could not be dropped", infra.KeyError, redshift.Public(err), infra.KeyHint, infra.Hint(err))
	}
}
