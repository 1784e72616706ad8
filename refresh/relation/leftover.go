package relation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/sql"
)

// DropLeftovers drops the generations of a view that readers do not see, each by itself: one that cannot be dropped keeps
// no other. It waits for nobody: what is in use now is dropped after a later run. A dump that runs for hours would keep
// one for each swap otherwise. stuck says what no later run will drop either, and why.
func DropLeftovers(ctx context.Context, b infra.Beginner, v catalog.View) (stuck []string, err error) {
	err = infra.InTx(ctx, b, infra.Limits{Lock: ShortLock}, func(tx pgx.Tx) error {
		if err := lock.View(ctx, tx, v.ID, 0); err != nil {
			return err
		}
		steps, err := leftovers(ctx, tx, v)
		for _, step := range steps {
			step.Live = true
			drop := func(nested pgx.Tx) error { return plan.Run(ctx, nested, []plan.Step{step}) }
			if why := cannotDrop(infra.InSavepoint(ctx, tx, drop)); why != "" {
				stuck = append(stuck, strings.TrimPrefix(step.SQL, "DROP ")+": "+why)
			}
		}
		if err != nil {
			return err
		}
		return catalog.In(tx).Forget(ctx, v)
	})
	return stuck, err
}

// DropGeneration drops the generation of a view that nobody sees, if it is there.
func DropGeneration(ctx context.Context, tx pgx.Tx, v catalog.View) error {
	relations, err := catalog.In(tx).Relations(ctx, v.ID)
	if err != nil {
		return err
	}
	for _, r := range relations {
		if r.Number == v.Generation && kindSQL[r.Kind] != "" {
			return plan.Run(ctx, tx, []plan.Step{dropGeneration(v.Relation(r.Number), r.Kind)})
		}
	}
	return nil
}

// cannotDrop says why a relation cannot be dropped; empty: it was, or is in use for now.
func cannotDrop(err error) string {
	var pg *pgconn.PgError
	switch {
	case err == nil, SQLState(err) == LockNotAvailable:
		return ""
	case errors.As(err, &pg) && pg.Code == DependentObjects:
		return OneLine(pg.Detail)
	}
	return infra.Message(err)
}

// leftovers are the steps that drop the generations that readers do not see and runs do not write to.
func leftovers(ctx context.Context, db catalog.DB, v catalog.View) ([]plan.Step, error) {
	rows, err := db.Query(ctx, sql.Generations, v.ID)
	if err != nil {
		return nil, fmt.Errorf("look for old generations of view %s: %w", v.Name, err)
	}
	var steps []plan.Step
	var name, kind string
	_, err = pgx.ForEachRow(rows, []any{&name, &kind}, func() error {
		steps = append(steps, dropGeneration(name, kind))
		return nil
	})
	if err != nil {
		err = fmt.Errorf("look for old generations of view %s: %w", v.Name, err)
	}
	return steps, err
}
