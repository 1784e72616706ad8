package apply

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/redcache/redcache/plan"
)

// concurrent has PostgreSQL read all rows, and write those that differ. The first time it cannot: there is nothing to
// compare with, and PostgreSQL refuses.
func concurrent(ctx context.Context, tx pgx.Tx, t Target) (Filled, error) {
	if t.Fresh {
		return nonconcurrent(ctx, tx, t)
	}
	f, err := t.refresh(ctx, tx, func() error {
		return plan.Run(ctx, tx, []plan.Step{t.refreshStep(true)})
	})
	f.RowCount = t.Before + f.RowsInserted - f.RowsDeleted
	f.RowsRead = f.RowCount
	return f, err
}
