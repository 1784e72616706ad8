package refresh

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh/relation"
)

// Drop removes a view, its generations, its definition and its history. It fails when other objects depend on the
// view, and names them.
func (d *Definer) Drop(ctx context.Context, name catalog.Name) error {
	err := infra.InTx(ctx, d.pool, infra.Limits{}, func(tx pgx.Tx) error {
		m, err := d.locked(ctx, tx, name)
		if err != nil {
			return err
		}
		return d.dropIn(ctx, tx, m)
	})
	return about("drop view", name, d.nameHolders(ctx, err))
}

func (d *Definer) dropIn(ctx context.Context, tx pgx.Tx, m catalog.Member) error {
	v := m.View
	err := relation.Patiently(ctx, tx, d.runner.ordinary(), "drop view "+v.Name.String(), func(tx pgx.Tx, _ relation.Try) error {
		steps, err := dropSteps(ctx, tx, v)
		if err != nil {
			return err
		}
		return relation.RunSteps(ctx, tx, steps)
	})
	if err != nil {
		return explainDrop(err)
	}
	return catalog.In(tx).DropView(ctx, v)
}

// dropSteps drop the published view, wherever somebody may have moved it, and the generations. What stands under its
// name instead stays.
func dropSteps(ctx context.Context, db catalog.DB, v catalog.View) ([]Step, error) {
	p, err := relation.PublishedOf(ctx, db, v)
	if err != nil {
		return nil, err
	}
	steps, err := relation.Leftovers(ctx, db, v, true)
	if p.OID != 0 {
		steps = append([]Step{relation.DropStep(p.At)}, steps...)
	}
	return steps, err
}
