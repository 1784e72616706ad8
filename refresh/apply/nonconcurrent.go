package apply

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh/relation"
)

// nonconcurrent has PostgreSQL read all rows anew. Readers wait for it, and it for them.
func nonconcurrent(ctx context.Context, tx pgx.Tx, t Target) (Filled, error) {
	f, err := t.refresh(ctx, tx, func() error {
		steps := []plan.Step{t.refreshStep(false)}
		if t.Fresh { // nobody reads it yet
			return plan.Run(ctx, tx, steps)
		}
		try := relation.Patience{First: relation.FirstLock, Longest: relation.LongLock, Limit: t.Patience}
		return relation.Patiently(ctx, tx, try, "refresh view "+t.View.Name.String(), func(tx pgx.Tx, _ relation.Try) error {
			return plan.Run(ctx, tx, steps)
		})
	})
	f.RowCount, f.RowsDeleted = f.RowsInserted, t.Before
	f.RowsRead = f.RowCount
	return f, err
}
