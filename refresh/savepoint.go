package refresh

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// inSavepoint runs fn in a savepoint of tx and rolls back to it when fn fails, also after ctx has ended: what follows
// in tx, closing the session above all, must find a transaction that is not aborted.
func inSavepoint(ctx context.Context, tx pgx.Tx, fn func(nested pgx.Tx) error) error {
	nested, err := tx.Begin(ctx)
	if err != nil {
		return err
	}
	if err := fn(nested); err != nil {
		ctx, cancel := recording(ctx)
		defer cancel()
		_ = nested.Rollback(ctx) // fails only with the connection, and then there is nothing to go back to
		return err
	}
	return nested.Commit(ctx)
}
