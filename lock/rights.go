package lock

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Rights takes the lock under which rights are granted on what views share: their schemas, and redcache.freshness. It
// stays until tx ends. PostgreSQL refuses the second of two that grant something on one object at the same time. The wait
// is bounded by the transaction's lock_timeout.
func Rights(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT pg_catalog.pg_advisory_xact_lock(`+rightsClass+`, 0)`)
	if err != nil {
		return fmt.Errorf("lock rights: %w", err)
	}
	return nil
}
