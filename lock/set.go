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
	return takeSet(ctx, tx, key{class: setClass, id: set}, wait)
}

// PartOfSet is [Set] for one of several sessions that build parts of it at once.
func PartOfSet(ctx context.Context, tx pgx.Tx, set int32, wait time.Duration) (taken bool, err error) {
	return takeSet(ctx, tx, key{class: setClass, id: set, shared: true}, wait)
}

func takeSet(ctx context.Context, tx pgx.Tx, k key, wait time.Duration) (taken bool, err error) {
	if taken, err = k.try(ctx, tx); err == nil && !taken && wait > 0 {
		taken, err = k.await(ctx, tx, wait)
	}
	if err != nil {
		return false, fmt.Errorf("lock set %d: %w", k.id, err)
	}
	return taken, nil
}
