package refresh

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh/apply"
	"github.com/redcache/redcache/refresh/relation"
)

// put puts the definitions in force. It returns the decisions with the views as they are stored.
func (d *Definer) put(ctx context.Context, tx pgx.Tx, decisions []decision) (stored []decision, err error) {
	for _, c := range decisions {
		switch {
		case c.Drop:
		case c.Add:
			if c.after, err = catalog.In(tx).AddView(ctx, c.after, 0); err == nil {
				noteStored(tx, c, storeStep)
			}
		default:
			noteStored(tx, c, storeStep, pointStep)
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
	a := &attempt{tx: tx}
	for _, m := range members {
		a.works = append(a.works, &viewWork{at: a, view: m.View, state: m.State, strategy: m.View.Strategy})
	}
	if err := a.choosePublishing(); err != nil {
		return err
	}
	_, err = a.wantedTransport()
	return err
}

// switches are what has to wait for readers: views that are to show other rows, and views that go.
func (d *Definer) switches(
	ctx context.Context, tx pgx.Tx, decisions []decision, shows func(decision) bool, carry bool,
) (s relation.Set, err error) {
	s.Waits = func() { d.say(Publishing) }
	for _, c := range decisions {
		v := c.after
		if c.Drop {
			v = c.before.View
		} else if !shows(c) {
			continue
		}
		if !c.Drop {
			s.Switches = append(s.Switches, &relation.Switch{
				View: v, Seen: c.before.State.Generation, Below: c.condition.Relation(c.before.State.Generation),
				Columns: apply.Local(c.columns), Carry: carry,
			})
			continue
		}
		p, err := relation.PublishedOf(ctx, tx, v)
		if err != nil {
			return s, err
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
