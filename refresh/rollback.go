package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh/relation"
)

// WentBack is what has become of a view that readers have gone back from.
type WentBack struct {
	Name catalog.Name
	What catalog.UndoKind
	AsOf *time.Time // of the rows that readers see now; nil: they are as they were, or gone
}

// Rollback has readers see again what they saw before a set took effect, in one moment: views point at the generations that are
// kept, those that the set has added go, and definitions of which nothing was built are as they were. What the set has dropped
// stays away. With zero, it is the last set that keeps any rows. It refuses when one of its views was changed since.
func (d *Definer) Rollback(ctx context.Context, number int32) (from catalog.KeptSet, views []WentBack, err error) {
	if from, err = catalog.In(d.pool).KeptSet(ctx, number); err != nil {
		return from, nil, err
	}
	commits := commits{runner: d.runner}
	var back *set
	for n := 1; ; n++ {
		next := &set{Definer: d}
		err = infra.InTx(ctx, d.pool, infra.Limits{}, func(tx pgx.Tx) error { return next.goBack(ctx, tx, from) })
		if err == nil || errors.Is(err, infra.ErrOutcomeUnknown) {
			back = next // of those that come later none gets this far, if this one has
		}
		err = commits.after(ctx, err, next.published)
		if err == nil {
			back.tidy(ctx)
			return from, back.wentBack(from), nil
		}
		if n >= d.runner.cfg.Attempts || !retryable(err) || d.runner.cfg.Backoff.Wait(ctx, n) != nil {
			end, cancel := recording(ctx)
			defer cancel()
			return from, nil, fmt.Errorf("set %d: %w", from.ID, nameHolders(end, d.pool, err, namesOf(next.changes())))
		}
	}
}

// PlanRollback returns the statements that [Definer.Rollback] would run, and changes nothing.
func (d *Definer) PlanRollback(ctx context.Context, set int32) ([]plan.Step, error) {
	return d.runner.rehearse(ctx, func(r *Runner) error {
		rehearsing := *d
		rehearsing.pool, rehearsing.runner, rehearsing.tell, rehearsing.judge = r.pool, r, nil, nil
		_, _, err := rehearsing.Rollback(ctx, set)
		return err
	})
}

// goBack makes of a set one that undoes another, and has it take effect at once: all that it shows is there.
func (s *set) goBack(ctx context.Context, tx pgx.Tx, from catalog.KeptSet) (err error) {
	if s.decisions, err = undone(ctx, tx, from); err != nil {
		return err
	}
	if err := s.lock(ctx, tx, s.decisions, func(decision) time.Duration { return changePatience }); err != nil {
		return err
	}
	if err := checkFree(ctx, tx, 0, s.decisions); err != nil {
		return err
	}
	if s.id, err = catalog.In(tx).BeginSet(ctx, catalog.NewSet{}); err != nil {
		return err
	}
	if err := catalog.In(tx).GoBack(ctx, from.ID, s.id); err != nil {
		return err
	}
	kept, err := catalog.In(tx).Prepared(ctx, s.id)
	if err != nil {
		return err
	}
	for i := range s.decisions {
		if err := s.decisions[i].goBack(ctx, tx, from, kept); err != nil {
			return err
		}
	}
	if err := s.holdShapes(ctx, tx); err != nil {
		return err
	}
	if s.judge != nil {
		if err := s.judge(described(s.decisions)); err != nil {
			return err
		}
	}
	return s.showAgain(ctx, tx)
}

// holdShapes refuses to go back to what is computed from views that are not there any more, or return something else by now, and
// to take something from what is computed from these.
func (s *set) holdShapes(ctx context.Context, tx pgx.Tx) error {
	for i := range s.decisions {
		c := &s.decisions[i]
		if c.Drop || c.after.Kind != catalog.LocalSource {
			continue
		}
		again := decision{Change: c.Change, after: c.after}
		err := analyse(ctx, tx, &again, s.decisions)
		if err == nil && !slices.Equal(again.after.Columns, c.after.Columns) {
			err = errors.New("what it reads returns something else by now")
		}
		if err != nil {
			return infra.Hinted(fmt.Errorf("view %s, as it was before: %w", c.Name, err), "Nothing has changed. To have what was before, apply the files that had it.")
		}
		c.inputs = again.inputs
	}
	switch along, err := withRowless(ctx, tx, slices.Clone(s.decisions)); {
	case err != nil:
		return err
	case len(along) > len(s.decisions):
		return infra.Hinted(fmt.Errorf("view %s is made over what changes, and is not of the set", along[len(s.decisions)].Name),
			"Nothing has changed. Drop that view first, and add it again afterwards; or apply the files that had what was before.")
	}
	if err := s.lockShapes(ctx, tx, s.decisions); err != nil {
		return err
	}
	if err := checkFree(ctx, tx, s.id, s.decisions); err != nil {
		return err
	}
	return checkShapes(ctx, tx, s.decisions)
}

// undone are the changes that undo a set, as far as the views are there that it has changed.
func undone(ctx context.Context, tx pgx.Tx, from catalog.KeptSet) (decisions []decision, err error) {
	for _, u := range from.Undo {
		c := decision{Change: Change{Name: u.Name, Drop: u.What == catalog.UndoDrop}, rebuilds: u.What == catalog.UndoPoint}
		if u.What == catalog.UndoNothing {
			continue
		}
		if c.before, err = stateOf(ctx, tx, c.Name); err != nil {
			return nil, err
		}
		if c.after = c.before.View; u.Definition != nil {
			c.after.Definition = *u.Definition
			c.after.Grantees = c.before.View.Grantees // who has lost a right does not get it back
		}
		decisions = append(decisions, c)
	}
	return decisions, nil
}

// goBack sees to it that a view is as the set has left it, and finds what it is to be again.
func (c *decision) goBack(ctx context.Context, tx pgx.Tx, from catalog.KeptSet, kept []catalog.Member) error {
	now, err := stateOf(ctx, tx, c.Name)
	if err != nil {
		return err
	}
	if now.View.ID != c.before.View.ID || now.View.ChangedAt.After(from.PublishedAt) {
		return infra.Hinted(fmt.Errorf("view %s was changed after that, at %s", c.Name, now.View.ChangedAt.UTC().Format(time.RFC3339)),
			"Nothing has changed. To have what was before, apply the files that had it.")
	}
	c.before = now
	if c.condition, err = relation.ConditionOf(ctx, tx, now.View); err != nil {
		return err
	}
	if !c.builds() {
		c.columns, err = now.View.DescribedColumns()
		return err
	}
	i := slices.IndexFunc(kept, func(m catalog.Member) bool { return m.View.ID == now.View.ID })
	if i < 0 {
		return fmt.Errorf("what readers saw of view %s before is not kept any more", c.Name)
	}
	c.after, c.asOf = kept[i].View, kept[i].State.AsOf
	if c.columns, err = c.after.DescribedColumns(); err != nil {
		return err
	}
	if c.after.Rowless() {
		return nil // it is made again
	}
	if lost := c.condition.Lost(c.after, c.after.Generation); lost != "" {
		return errors.New(lost)
	}
	if err := relation.CheckCarry(c.after, c.condition.Relation(now.State.Generation)); err != nil {
		return err
	}
	steps, err := relation.UndressSteps(ctx, tx, c.after, *c.condition.Relation(&c.after.Generation))
	if err != nil {
		return err
	}
	return plan.Run(ctx, tx, steps)
}

// showAgain has all of it take effect.
func (s *set) showAgain(ctx context.Context, tx pgx.Tx) error {
	shows := slices.DeleteFunc(slices.Clone(s.decisions), func(c decision) bool { return !c.builds() })
	if _, err := s.put(ctx, tx, slices.DeleteFunc(slices.Clone(s.decisions), decision.builds)); err != nil {
		return err
	}
	for _, c := range shows {
		noteStored(tx, c, pointStep)
		if err := s.handOn(ctx, tx, c); err != nil {
			return c.about(err)
		}
	}
	switches, err := s.switches(ctx, tx, s.decisions, decision.builds, true)
	if err != nil {
		return err
	}
	return relation.Publish(ctx, tx, s.runner.ordinary(), switches, func(tx pgx.Tx, _ relation.Try) error {
		if err := forget(ctx, tx, s.decisions); err != nil {
			return err
		}
		return catalog.In(tx).PublishSet(ctx, s.id, len(switches.Switches))
	})
}

// wentBack is what became of each view of the set that was undone.
func (s *set) wentBack(from catalog.KeptSet) (views []WentBack) {
	for _, u := range from.Undo {
		back := WentBack{Name: u.Name, What: u.What}
		if i := slices.IndexFunc(s.decisions, func(c decision) bool { return c.Name == u.Name }); i >= 0 {
			back.AsOf = s.decisions[i].asOf
		}
		views = append(views, back)
	}
	return views
}
