package lock

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Set takes the lock of a set that is being built, in tx, where it stays until tx ends. If another session has it for longer
// than wait, taken is false, and tx can go on.
func Set(ctx context.Context, tx pgx.Tx, set int32, wait time.Duration) (taken bool, err error) {
	k := key{class: setClass, id: set}
	if taken, err = k.try(ctx, tx); err == nil && !taken && wait > 0 {
		taken, err = k.await(ctx, tx, wait)
	}
	if err != nil {
		return false, fmt.Errorf("lock set %d: %w", set, err)
	}
	return taken, nil
}
