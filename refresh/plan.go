package refresh

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/apply"
	"github.com/redcache/redcache/refresh/read"
	"github.com/redcache/redcache/refresh/relation"
)

// errPlanned rolls back the transaction in which a plan was made.
var errPlanned = errors.New("planned")

// plan runs fn in a transaction that is always rolled back.
func plan(ctx context.Context, b infra.Beginner, fn func(tx pgx.Tx) ([]Step, error)) (steps []Step, err error) {
	err = infra.InTx(ctx, b, infra.Limits{}, func(tx pgx.Tx) error {
		if steps, err = fn(tx); err != nil {
			return err
		}
		return errPlanned
	})
	if errors.Is(err, errPlanned) {
		err = nil
	}
	return steps, err
}

// PlanAdd returns the statements that [Definer.Add] would run in the cache database to make and fill the view, and
// changes nothing. It fails where Add would, as far as that shows before rows are read.
func (d *Definer) PlanAdd(ctx context.Context, v catalog.View, noData bool) ([]Step, error) {
	return d.Plan(ctx, []Change{adding(v, noData)})
}

// PlanAlter returns what [Definer.Alter] would change in the definition, and the statements that would build the view's
// next generation, none when the change needs no new one. It changes nothing.
func (d *Definer) PlanAlter(ctx context.Context, name catalog.Name, change func(*catalog.View) error) ([]Step, error) {
	return d.Plan(ctx, []Change{{Name: name, Define: change}})
}

// PlanDrop returns the statements that [Definer.Drop] would run, and changes nothing.
func (d *Definer) PlanDrop(ctx context.Context, name catalog.Name) ([]Step, error) {
	return d.Plan(ctx, []Change{{Name: name, Drop: true}})
}

// Plan returns the statements that [Definer.Apply] would run in the cache database, and changes nothing.
func (d *Definer) Plan(ctx context.Context, changes []Change) ([]Step, error) {
	steps, err := plan(ctx, d.pool, func(tx pgx.Tx) ([]Step, error) {
		if err := checkNames(changes); err != nil {
			return nil, err
		}
		decisions, err := d.describe(ctx, tx, changes)
		if err != nil {
			return nil, err
		}
		if err := d.hold(ctx, tx, decisions); err != nil {
			return nil, err
		}
		s, err := d.rehearsed(ctx, tx, decisions)
		if err != nil {
			return nil, err
		}
		return s.plan(ctx, tx)
	})
	return steps, d.about(ctx, changes, err)
}

func (s *set) plan(ctx context.Context, tx pgx.Tx) (steps []Step, err error) {
	for _, c := range s.decisions {
		if c.Add || c.Drop || c.along {
			continue
		}
		store, err := storeSteps(c.before.View, c.after)
		if err != nil {
			return nil, err
		}
		steps = append(steps, store...)
		if c.before.State.Generation != nil {
			grants, err := s.regrantSteps(ctx, tx, c.before.View, c.after)
			if err != nil {
				return nil, err
			}
			steps = append(steps, grants...)
		}
	}
	stored, err := s.inForce(ctx, tx)
	if err != nil {
		return nil, err
	}
	planned := map[string]bool{"": false}
	for _, c := range stored {
		if !c.builds() || planned[c.after.Group] {
			continue
		}
		planned[c.after.Group] = c.after.Group != ""
		load, err := s.runner.planLoad(ctx, tx, Request{View: c.after.Name})
		if err != nil {
			return nil, err
		}
		steps = append(steps, load...)
	}
	drops, err := s.switches(ctx, tx, stored, func(decision) bool { return false }, false)
	if err != nil {
		return nil, err
	}
	more, err := relation.Steps(ctx, tx, drops)
	return append(steps, more...), err
}

// Plan returns the statements that [Runner.Refresh] would run in the cache database, and reads nothing but the remote
// clock.
func (r *Runner) Plan(ctx context.Context, req Request) ([]Step, error) {
	steps, err := plan(ctx, r.pool, func(tx pgx.Tx) ([]Step, error) { return r.planLoad(ctx, tx, req) })
	return steps, about("refresh view", req.View, err)
}

// planLoad writes down what a refresh would run in the cache database.
func (r *Runner) planLoad(ctx context.Context, tx pgx.Tx, req Request) (steps []Step, err error) {
	j := &job{runner: r, req: req, planning: true, mended: map[int32][]string{}}
	a, err := j.plan(ctx, tx)
	if err != nil {
		return nil, err
	}
	session, err := r.cfg.Links.Open(ctx, tx, a.works[0].view.Link, redshift.Settings{QueryGroup: "redcache plan"})
	if err != nil {
		return nil, explainRemote(a.works[0].view, err)
	}
	defer func() { _ = session.Close(ctx) }() // the transaction is about to be rolled back
	transport, err := a.wantedTransport()
	if err != nil {
		return nil, err
	}
	a.source = read.Dblink(session, tx, r.pool)
	if transport != catalog.DblinkTransport {
		a.source = read.AsStream(a.source)
	}
	for _, w := range a.works {
		more, err := w.planSteps(ctx)
		if err != nil {
			return nil, err
		}
		steps = slices.Concat(steps, w.mend, more)
	}
	return steps, nil
}

// planSteps are the statements for one view.
func (w *viewWork) planSteps(ctx context.Context) ([]Step, error) {
	v, generation := w.view, w.view.Generation
	var build []Step
	if w.newRelation {
		var err error
		if build, err = w.buildSteps(); err != nil {
			return nil, err
		}
	}
	fill, err := apply.Plan(ctx, w.at.tx, w.strategy, w.target())
	if err != nil || !w.newRelation {
		return append(build, fill...), err
	}
	carry, err := relation.CarrySteps(ctx, w.at.tx, v, w.condition.Published)
	if err != nil {
		return nil, err
	}
	publish, err := w.publishSteps(ctx)
	return slices.Concat(build, fill, relation.IndexSteps(v, generation), carry, []Step{relation.AnalyzeStep(v, generation)}, publish), err
}

// publishSteps have readers see the generation.
func (w *viewWork) publishSteps(ctx context.Context) ([]Step, error) {
	p := w.condition.Published
	if p.AtHome {
		return []Step{relation.RepointStep(w.view, p.Decorations.Options, w.view.Generation, w.names())}, nil
	}
	steps, err := relation.SchemaSteps(ctx, w.at.tx, w.view, p)
	if err != nil {
		return nil, err
	}
	more, err := relation.ViewSteps(ctx, w.at.tx, w.view, p.Remembered, w.view.Generation, w.names())
	return append(steps, more...), err
}
