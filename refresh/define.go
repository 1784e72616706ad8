package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/relation"
)

// changePatience is how long a change of a definition waits for a refresh of the view to end.
const changePatience = 30 * time.Second

// Definer adds, changes and drops views.
type Definer struct {
	pool   *pgxpool.Pool
	runner *Runner
	tell   func(Phase) // of what is waited for; may be nil
	grant  bool        // to all whom a changed definition names, also to those whom it had named before
}

// NewDefiner returns a Definer that fills views through runner.
func NewDefiner(pool *pgxpool.Pool, runner *Runner) *Definer {
	return &Definer{pool: pool, runner: runner}
}

// Telling returns a Definer that tells whom a change waits for.
func (d *Definer) Telling(progress func(Phase)) *Definer {
	told := *d
	told.tell = progress
	return &told
}

// Granting returns a Definer that grants what a changed definition says to all whom it names. Another leaves those alone
// whom it had named before, and from whom somebody may have revoked it.
func (d *Definer) Granting() *Definer {
	granting := *d
	granting.grant = true
	return &granting
}

// Add describes the view's query through its link, holds the definition against the result, rehearses the statements
// that will make the view, and stores the definition. Unless noData, it then fills and publishes the view; when that
// fails, the definition is removed again, so that an error always means that nothing has changed. The view has no
// columns yet, and a link.
func (d *Definer) Add(ctx context.Context, v catalog.View, noData bool, progress func(Phase)) (catalog.Run, error) {
	limits := infra.Limits{Statement: v.Timeout}
	err := infra.InTx(ctx, d.pool, limits, func(tx pgx.Tx) (err error) {
		v, err = d.addIn(ctx, tx, v, firstDue(noData))
		return err
	})
	if err != nil {
		return catalog.Run{}, about("add view", v.Name, addingInstead(v.Name, err))
	}
	if noData {
		return catalog.Run{}, nil
	}
	run, err := d.runner.Refresh(ctx, Request{View: v.Name, Wait: changePatience, Progress: progress})
	if err == nil {
		return run, nil
	}
	ctx, cancel := recording(ctx)
	defer cancel()
	return run, errors.Join(addingInstead(v.Name, err), d.withdraw(ctx, v))
}

// firstDue leaves a new generation to the process that defines it, for as long as that one needs to begin with it. A
// worker that comes in between would fill it as well, and keep a definition that turns out not to work.
func firstDue(noData bool) time.Duration {
	if noData {
		return 0
	}
	return time.Minute
}

func (d *Definer) addIn(ctx context.Context, tx pgx.Tx, v catalog.View, dueIn time.Duration) (catalog.View, error) {
	var err error
	if v.Query, err = redshift.ReadQuery(v.Query); err != nil {
		return v, err
	}
	if v.Link, err = catalog.In(tx).Link(ctx, v.LinkName); err != nil {
		return v, err
	}
	columns, schema, err := d.runner.describe(ctx, tx, &v)
	if err != nil {
		return v, err
	}
	if err := v.Validate(); err != nil {
		return v, err
	}
	if err := relation.CheckGrantees(ctx, tx, v, v.Grantees); err != nil {
		return v, err
	}
	stored, err := catalog.In(tx).AddView(ctx, v, dueIn)
	if err == nil {
		err = checkGroup(ctx, tx, v)
	}
	if err != nil {
		return v, err
	}
	return stored, d.runner.rehearse(ctx, tx, stored, columns, schema, nil)
}

// withdraw removes a definition whose first load failed.
func (d *Definer) withdraw(ctx context.Context, v catalog.View) error {
	return d.undo(ctx, v, func(tx pgx.Tx, _ catalog.State) error { return catalog.In(tx).DropView(ctx, v) })
}

// undo takes back a definition that could not be built, unless somebody has built, changed or dropped it since.
func (d *Definer) undo(ctx context.Context, v catalog.View, fn func(tx pgx.Tx, state catalog.State) error) error {
	return infra.InTx(ctx, d.pool, infra.Limits{}, func(tx pgx.Tx) error {
		now, err := d.locked(ctx, tx, v.Name)
		built := now.State.Loaded != nil && *now.State.Loaded >= v.Generation
		switch {
		case errors.As(err, new(*catalog.NotFoundError)), err == nil && built:
			return nil
		case err != nil:
			return err
		case !now.View.ChangedAt.Equal(v.ChangedAt):
			return fmt.Errorf("the definition of view %s was changed by somebody else meanwhile, and stays as it is", v.Name)
		}
		return fn(tx, now.State)
	})
}

// Alter replaces a view's definition by the one that change makes of it. What only says when and for whom the view is
// refreshed takes effect at once. Anything else asks for a new generation, which, unless noData, is built right away;
// when that fails, the old definition is put back. Readers keep the old rows until the new generation is published.
func (d *Definer) Alter(
	ctx context.Context, name catalog.Name, change func(*catalog.View) error, noData bool, progress func(Phase),
) (catalog.Run, error) {
	var before catalog.Member
	var after catalog.View
	err := infra.InTx(ctx, d.pool, infra.Limits{}, func(tx pgx.Tx) (err error) {
		before, after, err = d.Telling(progress).alterIn(ctx, tx, name, change, noData)
		return err
	})
	if err != nil {
		return catalog.Run{}, about("alter view", name, d.nameHolders(ctx, err))
	}
	if noData || after.Generation == before.View.Generation {
		return catalog.Run{}, nil
	}
	run, err := d.runner.Refresh(ctx, Request{View: name, Wait: changePatience, Progress: progress})
	if err == nil {
		return run, nil
	}
	ctx, cancel := recording(ctx)
	defer cancel()
	return run, errors.Join(err, d.restore(ctx, before, after))
}

// locked takes a view's lock, so that no refresh runs, and returns what is true of it then: it may have changed before
// the lock was taken, or have been dropped and added again.
func (d *Definer) locked(ctx context.Context, tx pgx.Tx, name catalog.Name) (m catalog.Member, err error) {
	store := catalog.In(tx)
	for id := int32(0); ; id = m.View.ID {
		if m.View, m.State, err = store.ViewAndState(ctx, name); err != nil || m.View.ID == id {
			return m, err
		}
		if m.State.Lost {
			if _, err = store.RestoreStates(ctx); err != nil {
				return m, err
			}
		}
		if err = lockView(ctx, tx, m.View.ID, changePatience, d.tell); err != nil {
			return m, err
		}
	}
}

// alterIn changes the definition under the view's lock.
func (d *Definer) alterIn(
	ctx context.Context, tx pgx.Tx, name catalog.Name, change func(*catalog.View) error, noData bool,
) (before catalog.Member, after catalog.View, err error) {
	if before, err = d.locked(ctx, tx, name); err != nil {
		return before, after, err
	}
	after = before.View
	if err = change(&after); err != nil {
		return before, after, err
	}
	if after.Query, err = redshift.ReadQuery(after.Query); err != nil {
		return before, after, err
	}
	if after.Link, err = catalog.In(tx).Link(ctx, after.LinkName); err != nil {
		return before, after, err
	}
	columns, schema, err := d.runner.describe(ctx, tx, &after)
	if err != nil {
		return before, after, err
	}
	if err = after.Validate(); err != nil {
		return before, after, err
	}
	if err = relation.CheckGrantees(ctx, tx, after, relation.Without(after.Grantees, before.View.Grantees)); err != nil {
		return before, after, err
	}
	c, err := relation.ConditionOf(ctx, tx, before.View)
	if err != nil {
		return before, after, err
	}
	broken := c.Mend(ctx, tx, d.runner.ordinary(), before)
	if before.View.Rebuilds(before.View.Columns, after.Definition, after.Columns) {
		if broken == nil && c.Published.Altered {
			broken = relation.AlteredError(before.View)
		}
		if broken == nil {
			broken = relation.CheckCarry(after, c.Relation(before.State.Generation))
		}
		if broken != nil {
			return before, after, broken
		}
		after.Generation = c.Next(before.View.Generation)
		if err = d.runner.rehearse(ctx, tx, after, columns, schema, before.State.Generation); err != nil {
			return before, after, err
		}
	}
	if err = remember(ctx, tx, after, c.Published); err != nil {
		return before, after, err
	}
	if err = d.regrant(ctx, tx, before.State, before.View, after); err != nil {
		return before, after, err
	}
	state := restate(before.View, after, before.State, noData)
	if after.ChangedAt, err = catalog.In(tx).AlterView(ctx, after, state); err != nil {
		return before, after, err
	}
	return before, after, checkGroup(ctx, tx, after)
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

// restore puts back a definition whose successor could not be built, and when it was due.
func (d *Definer) restore(ctx context.Context, before catalog.Member, after catalog.View) error {
	return d.undo(ctx, after, func(tx pgx.Tx, state catalog.State) error {
		if err := d.regrant(ctx, tx, state, after, before.View); err != nil {
			return err
		}
		_, err := catalog.In(tx).AlterView(ctx, before.View, before.State)
		return err
	})
}

func (d *Definer) nameHolders(ctx context.Context, err error) error {
	ctx, cancel := recording(ctx)
	defer cancel()
	return nameHolders(ctx, d.pool, err)
}
