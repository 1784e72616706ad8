package lock

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Set takes the lock of a set that is being built, in tx, where it stays until tx ends. It does not wait: taken is false when
// another session has it.
func Set(ctx context.Context, tx pgx.Tx, set int32) (taken bool, err error) {
	taken, err = key{class: setClass, id: set}.try(ctx, tx)
	if err != nil {
		return false, fmt.Errorf("lock set %d: %w", set, err)
	}
	return taken, nil
}
