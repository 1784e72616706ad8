package infra

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// InSavepoint runs fn in a savepoint of tx and rolls back to it when fn fails, also after ctx has ended: what follows
// in tx, closing a session above all, must find a transaction that is not aborted.
func InSavepoint(ctx context.Context, tx pgx.Tx, fn func(nested pgx.Tx) error) error {
	nested, err := tx.Begin(ctx)
	if err != nil {
		return err
	}
	if err := fn(nested); err != nil {
		rollback(ctx, nested)
		return err
	}
	return nested.Commit(ctx)
}
