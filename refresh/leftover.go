package refresh

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/sql"
)

// dropLeftovers drops the generations of a view that readers do not see. It waits for nobody: what is in use now is
// dropped after a later run, and keeps no other one. A dump that runs for hours would keep one for each swap otherwise.
func dropLeftovers(ctx context.Context, b infra.Beginner, v catalog.View) error {
	return infra.InTx(ctx, b, infra.Limits{Lock: shortLock}, func(tx pgx.Tx) error {
		if err := lock.View(ctx, tx, v.ID, 0); err != nil {
			return err
		}
		steps, err := leftovers(ctx, tx, v, false)
		for _, step := range steps {
			drop := func(nested pgx.Tx) error { return runSteps(ctx, nested, []Step{step}) }
			if dropErr := inSavepoint(ctx, tx, drop); sqlState(dropErr) != lockNotAvailable {
				err = errors.Join(err, dropErr)
			}
		}
		return err
	})
}

// dropGenerations drops the generations that are not published, or all of them. The caller holds the view's lock.
func dropGenerations(ctx context.Context, tx pgx.Tx, v catalog.View, all bool) error {
	steps, err := leftovers(ctx, tx, v, all)
	if err != nil {
		return err
	}
	return runSteps(ctx, tx, steps)
}

func leftovers(ctx context.Context, db catalog.DB, v catalog.View, all bool) ([]Step, error) {
	rows, err := db.Query(ctx, sql.Generations, v.ID, all)
	if err != nil {
		return nil, fmt.Errorf("look for old generations of view %s: %w", v.Name, err)
	}
	var steps []Step
	var name string
	var materialized bool
	_, err = pgx.ForEachRow(rows, []any{&name, &materialized}, func() error {
		kind := "TABLE"
		if materialized {
			kind = "MATERIALIZED VIEW"
		}
		steps = append(steps, Step{"drop generation", "DROP " + kind + " " + dblink.Ident(catalog.DataSchema, name)})
		return nil
	})
	return steps, wrap(err, "look for old generations of view "+v.Name.String())
}
