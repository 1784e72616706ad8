package refresh

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
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
	if err := dblink.CheckQuery(v.Query); err != nil {
		return nil, about("add view", v.Name, err)
	}
	steps, err := plan(ctx, d.pool, func(tx pgx.Tx) ([]Step, error) {
		stored, err := d.addIn(ctx, tx, v, 0)
		if err != nil || noData {
			return nil, err
		}
		return planLoad(ctx, tx, Request{View: stored.Name})
	})
	return steps, about("add view", v.Name, err)
}

// PlanAlter returns the statements that [Definer.Alter] would run to build the view's next generation, none when the
// change needs no new one, and changes nothing.
func (d *Definer) PlanAlter(ctx context.Context, name catalog.Name, change func(*catalog.View) error) ([]Step, error) {
	steps, err := plan(ctx, d.pool, func(tx pgx.Tx) ([]Step, error) {
		before, after, err := alterIn(ctx, tx, name, change, true)
		if err != nil || before.Generation == after.Generation {
			return nil, err
		}
		return planLoad(ctx, tx, Request{View: name})
	})
	return steps, about("alter view", name, err)
}

// PlanDrop returns the statements that [Definer.Drop] would run, and changes nothing.
func (d *Definer) PlanDrop(ctx context.Context, name catalog.Name) ([]Step, error) {
	steps, err := plan(ctx, d.pool, func(tx pgx.Tx) ([]Step, error) {
		v, state, err := catalog.In(tx).ViewAndState(ctx, name)
		if err != nil {
			return nil, err
		}
		generations, err := leftovers(ctx, tx, v, true)
		if state.Generation != nil {
			generations = append([]Step{dropStep(v)}, generations...)
		}
		return generations, err
	})
	return steps, about("drop view", name, err)
}

// Plan returns the statements that [Runner.Refresh] would run in the cache database, and reads nothing but the remote
// clock.
func (r *Runner) Plan(ctx context.Context, req Request) ([]Step, error) {
	steps, err := plan(ctx, r.pool, func(tx pgx.Tx) ([]Step, error) { return planLoad(ctx, tx, req) })
	return steps, about("refresh view", req.View, err)
}

// planLoad writes down what work.load would run.
func planLoad(ctx context.Context, tx pgx.Tx, req Request) ([]Step, error) {
	w, err := planWork(ctx, tx, req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.session.Close(ctx) }() // the transaction is about to be rolled back
	v, generation := w.view, w.view.Generation
	var steps []Step
	if w.fresh {
		if steps, err = w.buildSteps(); err != nil {
			return nil, err
		}
	}
	fill := refreshStep(v, generation, w.strategy == catalog.Concurrent && !w.fresh)
	if !v.Materialized() {
		b, err := w.bounds(ctx)
		if err != nil {
			return nil, err
		}
		statement, err := w.incrementalSQL(b)
		if err != nil {
			return nil, err
		}
		fill = Step{"load rows", statement}
	}
	steps = append(steps, fill)
	if !w.fresh {
		return steps, nil
	}
	steps = append(steps, indexSteps(v, generation)...)
	steps = append(steps, analyzeStep(v, generation))
	publish := publishSteps(v, generation, w.columns)
	if w.state.Generation != nil {
		publish = append([]Step{repointStep(v, generation, w.columns)}, grantSteps(v)...)
	}
	schema, err := schemaSteps(ctx, tx, v)
	return slices.Concat(steps, schema, publish), err
}

func planWork(ctx context.Context, tx pgx.Tx, req Request) (*work, error) {
	a := &attempt{req: req}
	w, err := a.read(ctx, tx)
	if err != nil {
		return nil, err
	}
	w.session, err = dblink.Open(ctx, tx, w.view.Link.Server().Name, dblink.Settings{QueryGroup: "redcache plan"})
	if err != nil {
		return nil, explainRemote(w.view, err)
	}
	return w, nil
}
