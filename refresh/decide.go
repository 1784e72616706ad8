package refresh

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh/relation"
)

// decide finds out what the changes come to, rehearses it, and has it take effect at once where nothing has to be built for
// it. Else it returns the set that is to be built.
func (d *Definer) decide(ctx context.Context, changes []Change) (s *set, err error) {
	if err := checkNames(changes); err != nil {
		return nil, err
	}
	d.runner.dropSets(ctx)
	const enough = 3
	for n := 1; ; n++ {
		var decisions []decision
		err := infra.InTx(ctx, d.pool, d.limits(changes), func(tx pgx.Tx) (err error) {
			if decisions, err = d.describe(ctx, tx, changes); err == nil && d.judge != nil {
				err = d.judge(described(decisions))
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		err = infra.InTx(ctx, d.pool, infra.Limits{}, func(tx pgx.Tx) (err error) {
			s, err = d.decideIn(ctx, tx, decisions)
			return err
		})
		if err = d.inTheWay(ctx, err); !errors.Is(err, errMoved) || n >= enough {
			return s, err
		}
	}
}

// limits bound what is asked of Redshift for views that nobody has asked for before.
func (d *Definer) limits(changes []Change) (l infra.Limits) {
	for _, c := range changes {
		var v catalog.View
		if c.Add && c.Define(&v) == nil {
			l.Statement = max(l.Statement, v.Timeout)
		}
	}
	return l
}

func (d *Definer) decideIn(ctx context.Context, tx pgx.Tx, decisions []decision) (*set, error) {
	if err := d.hold(ctx, tx, decisions); err != nil {
		return nil, err
	}
	s, err := d.rehearsed(ctx, tx, decisions)
	if err != nil || s.id != 0 {
		return s, err
	}
	drops, err := d.switches(ctx, tx, s.decisions, func(decision) bool { return false }, false)
	if err != nil || len(drops.Drops) == 0 {
		return nil, err
	}
	return nil, relation.Publish(ctx, tx, d.runner.ordinary(), drops, func(tx pgx.Tx, _ relation.Try) error {
		return forget(ctx, tx, s.decisions)
	})
}

// rehearsed stores what is to be built, for later, and rehearses it; or, where nothing is, puts all in force.
func (d *Definer) rehearsed(ctx context.Context, tx pgx.Tx, decisions []decision) (*set, error) {
	s, err := d.begin(ctx, tx, decisions)
	if err == nil && s.id == 0 {
		s.decisions, err = d.put(ctx, tx, decisions)
	}
	if err != nil {
		return nil, err
	}
	return s, d.rehearse(ctx, tx, s)
}

// hold takes the locks of the views that are there, in the order in which everybody does, and sees to it that they are as
// they were when the decisions were made. What others have done to them is mended, or refused.
func (d *Definer) hold(ctx context.Context, tx pgx.Tx, decisions []decision) error {
	if err := d.lock(ctx, tx, decisions, func(decision) time.Duration { return changePatience }); err != nil {
		return err
	}
	if err := d.lockShapes(ctx, tx, decisions); err != nil {
		return err
	}
	if err := checkFree(ctx, tx, 0, decisions); err != nil {
		return err
	}
	for i := range decisions {
		c := &decisions[i]
		if c.Add {
			c.after.Generation = 1
		} else if err := d.reread(ctx, tx, c); err != nil {
			return c.about(err)
		}
		if c.Drop {
			continue
		}
		granted := relation.Without(c.after.Grantees, c.before.View.Grantees)
		if err := relation.CheckGrantees(ctx, tx, c.after, granted); err != nil {
			return c.about(err)
		}
	}
	if err := sameGroups(ctx, tx, decisions); err != nil {
		return err
	}
	return checkShapes(ctx, tx, decisions)
}

// lock takes the locks of views, in the order in which everybody does, and waits for each as long as is said.
func (d *Definer) lock(ctx context.Context, tx pgx.Tx, decisions []decision, wait func(decision) time.Duration) error {
	held := slices.DeleteFunc(slices.Clone(decisions), func(c decision) bool { return c.Add })
	slices.SortFunc(held, func(a, b decision) int { return int(a.id()) - int(b.id()) })
	for _, c := range held {
		if err := lockView(ctx, tx, c.id(), wait(c), d.tell); err != nil {
			return c.about(err)
		}
	}
	return nil
}

func (d *Definer) reread(ctx context.Context, tx pgx.Tx, c *decision) error {
	now, err := stateOf(ctx, tx, c.Name)
	if err != nil {
		return err
	}
	if c.moved(now) {
		return errMoved
	}
	c.before = now
	if c.condition, err = relation.ConditionOf(ctx, tx, now.View); err != nil || c.Drop {
		return err
	}
	if c.after.Generation = now.View.Generation; c.rebuilds {
		c.after.Generation = c.condition.Next(now.State.Highest)
	}
	broken := c.condition.Mend(ctx, tx, d.runner.ordinary(), now)
	if !c.rebuilds {
		return nil
	}
	if broken == nil && c.condition.Published.Altered {
		broken = relation.AlteredError(now.View)
	}
	if broken == nil {
		broken = relation.CheckCarry(c.after, c.condition.Relation(now.State.Generation))
	}
	return broken
}

// moved says whether the view is another one than the decision was made of, or has another definition.
func (c decision) moved(now catalog.Member) bool {
	before := c.before.View
	return now.View.ID != before.ID || !now.View.ChangedAt.Equal(before.ChangedAt) || !now.View.Definition.Equal(before.Definition)
}

// sameGroups makes sure that nobody has joined a group that is to be built.
func sameGroups(ctx context.Context, tx pgx.Tx, decisions []decision) error {
	again, err := withGroups(ctx, tx, slices.Clone(decisions))
	if err == nil && len(again) != len(decisions) {
		err = errMoved
	}
	return err
}
