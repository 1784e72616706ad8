package refresh

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/apply"
	"github.com/redcache/redcache/refresh/relation"
)

// errMoved has the decisions made once more: what they were made of is not so any more.
var errMoved = errors.New("a definition was changed by somebody else meanwhile")

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
			decisions, err = d.describe(ctx, tx, changes)
			return err
		})
		if err != nil {
			return nil, err
		}
		err = infra.InTx(ctx, d.pool, infra.Limits{}, func(tx pgx.Tx) (err error) {
			s, err = d.decideIn(ctx, tx, decisions)
			return err
		})
		if exists, taken := errors.AsType[*catalog.ExistsError](err); taken {
			err = d.runner.beingAdded(ctx, exists)
		}
		if !errors.Is(err, errMoved) || n >= enough {
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
	s, stored, err := d.rehearsed(ctx, tx, decisions)
	if err != nil || len(s.units) > 0 {
		return s, err
	}
	drops, err := d.switches(ctx, tx, stored, func(decision) bool { return false })
	if err != nil || len(drops.Drops) == 0 {
		return nil, err
	}
	return nil, relation.Publish(ctx, tx, d.runner.ordinary(), drops, func(tx pgx.Tx, _ relation.Try) error {
		return forget(ctx, tx, stored)
	})
}

// rehearsed stores what is to be built, for later, and rehearses it; or, where nothing is, puts all in force.
func (d *Definer) rehearsed(ctx context.Context, tx pgx.Tx, decisions []decision) (s *set, stored []decision, err error) {
	if s, err = d.begin(ctx, tx, decisions); err != nil {
		return nil, nil, err
	}
	if len(s.units) > 0 {
		return s, nil, d.rehearse(ctx, tx, s)
	}
	if s.decisions, err = d.put(ctx, tx, decisions); err != nil {
		return nil, nil, err
	}
	return s, s.decisions, d.rehearse(ctx, tx, s)
}

// describe holds each change against the definition in force, and asks Redshift what its query returns. No lock is held
// meanwhile: refreshes go on.
func (d *Definer) describe(ctx context.Context, tx pgx.Tx, changes []Change) ([]decision, error) {
	decisions := make([]decision, len(changes))
	for i, c := range changes {
		var err error
		if decisions[i], err = d.describeOne(ctx, tx, c); err != nil {
			return nil, decisions[i].about(err)
		}
	}
	return withGroups(ctx, tx, decisions)
}

func (d *Definer) describeOne(ctx context.Context, tx pgx.Tx, change Change) (c decision, err error) {
	c.Change = change
	if !c.Add {
		if c.before, err = stateOf(ctx, tx, c.Name); err != nil || c.Drop {
			return c, err
		}
		c.after = c.before.View
	}
	if err := c.Define(&c.after); err != nil {
		return c, err
	}
	if c.after.Query, err = redshift.ReadQuery(c.after.Query); err != nil {
		return c, err
	}
	if c.after.Link, err = catalog.In(tx).Link(ctx, c.after.LinkName); err != nil {
		return c, err
	}
	if c.columns, c.schema, err = d.runner.describe(ctx, tx, &c.after); err != nil {
		return c, err
	}
	c.rebuilds = c.Add || c.before.View.Built().Rebuilds(c.after.Built())
	return c, c.after.Validate()
}

// stateOf reads a view, whose state may be gone.
func stateOf(ctx context.Context, tx pgx.Tx, name catalog.Name) (m catalog.Member, err error) {
	store := catalog.In(tx)
	if m.View, m.State, err = store.ViewAndState(ctx, name); err != nil || !m.State.Lost {
		return m, err
	}
	if _, err = store.RestoreStates(ctx); err == nil {
		m.View, m.State, err = store.ViewAndState(ctx, name)
	}
	return m, err
}

// withGroups adds the views that nobody has asked for, and which get new rows all the same: the others of a group of which
// one does, since all have to be of one moment.
func withGroups(ctx context.Context, tx pgx.Tx, decisions []decision) ([]decision, error) {
	for _, c := range decisions {
		if !c.builds() || c.after.Group == "" {
			continue
		}
		members, err := catalog.In(tx).GroupMembers(ctx, c.after.Group)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			if slices.ContainsFunc(decisions, func(other decision) bool { return other.Name == m.View.Name }) {
				continue
			}
			other := decision{Change: Change{Name: m.View.Name}, before: m, after: m.View, rebuilds: true, along: true}
			if other.columns, err = m.View.DescribedColumns(); err != nil {
				return nil, err
			}
			other.schema = c.schema
			decisions = append(decisions, other)
		}
	}
	// Those whose own change needs no other rows, but whose group gets some.
	for i, c := range decisions {
		decisions[i].rebuilds = c.rebuilds || !c.Add && !c.Drop && c.after.Group != "" &&
			slices.ContainsFunc(decisions, func(other decision) bool { return other.builds() && other.after.Group == c.after.Group })
	}
	return decisions, nil
}

// hold takes the locks of the views that are there, in the order in which everybody does, and sees to it that they are as
// they were when the decisions were made. What others have done to them is mended, or refused.
func (d *Definer) hold(ctx context.Context, tx pgx.Tx, decisions []decision) error {
	if err := d.lock(ctx, tx, decisions, nil); err != nil {
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
	return sameGroups(ctx, tx, decisions)
}

// lock takes the locks of views, each for as long as its refresh may take where nothing else is said.
func (d *Definer) lock(ctx context.Context, tx pgx.Tx, decisions []decision, wait func(decision) time.Duration) error {
	held := slices.DeleteFunc(slices.Clone(decisions), func(c decision) bool { return c.Add })
	slices.SortFunc(held, func(a, b decision) int { return int(a.id()) - int(b.id()) })
	for _, c := range held {
		limit := changePatience
		if wait != nil {
			limit = wait(c)
		}
		if err := lockView(ctx, tx, c.id(), limit, d.tell); err != nil {
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

// put puts the definitions in force. It returns the decisions with the views as they are stored.
func (d *Definer) put(ctx context.Context, tx pgx.Tx, decisions []decision) (stored []decision, err error) {
	for _, c := range decisions {
		switch {
		case c.Drop:
		case c.Add:
			c.after, err = catalog.In(tx).AddView(ctx, c.after, 0)
		default:
			if err = d.handOn(ctx, tx, c); err == nil {
				c.after.ChangedAt, err = catalog.In(tx).AlterView(ctx, c.after, restate(c.before.View, c.after, c.before.State))
			}
		}
		if err != nil {
			return nil, c.about(err)
		}
		stored = append(stored, c)
	}
	return stored, checkGroups(ctx, tx, stored)
}

// checkGroups holds stored definitions against the others of their groups.
func checkGroups(ctx context.Context, tx pgx.Tx, stored []decision) error {
	for _, c := range stored {
		if c.Drop {
			continue
		}
		if err := checkGroup(ctx, tx, c.after); err != nil {
			return c.about(err)
		}
	}
	return nil
}

// handOn keeps what people have put on a view that changes, and lets those read it whom the change names.
func (d *Definer) handOn(ctx context.Context, tx pgx.Tx, c decision) error {
	if err := remember(ctx, tx, c.after, c.condition.Published); err != nil {
		return err
	}
	return d.regrant(ctx, tx, c.before.State, c.before.View, c.after)
}

// checkGroup holds a stored definition against the others of its group.
func checkGroup(ctx context.Context, tx pgx.Tx, v catalog.View) error {
	members, err := catalog.In(tx).Members(ctx, v.Name)
	if err != nil {
		return err
	}
	j := &job{tx: tx}
	for _, m := range members {
		j.works = append(j.works, &work{job: j, view: m.View, state: m.State, strategy: m.View.Strategy})
	}
	if err := j.agree(); err != nil {
		return err
	}
	_, err = j.wantedTransport()
	return err
}

// switches are what has to wait for readers: views that are to show other rows, and views that go.
func (d *Definer) switches(ctx context.Context, tx pgx.Tx, decisions []decision, shows func(decision) bool) (s relation.Set, err error) {
	s.Waits = func() { d.say(Publishing) }
	for _, c := range decisions {
		v := c.after
		if c.Drop {
			v = c.before.View
		} else if !shows(c) {
			continue
		}
		p, err := relation.PublishedOf(ctx, tx, v) // once more: rights may have been granted
		if err != nil {
			return s, err
		}
		if !c.Drop {
			s.Switches = append(s.Switches, relation.Switch{
				View: v, Seen: c.before.State.Generation, Published: p, Columns: apply.Local(c.columns),
			})
			continue
		}
		relations, err := catalog.In(tx).Relations(ctx, v.ID)
		if err != nil {
			return s, err
		}
		s.Drops = append(s.Drops, relation.Drop{View: v, Published: p, Relations: relations})
	}
	return s, nil
}

// forget deletes what the catalog has of views that are gone.
func forget(ctx context.Context, tx pgx.Tx, decisions []decision) error {
	for _, c := range decisions {
		if c.Drop {
			if err := catalog.In(tx).DropView(ctx, c.before.View); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Definer) say(phase Phase) {
	if d.tell != nil {
		d.tell(phase)
	}
}
