package lock

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Shape takes the lock of what a view returns, in tx, where it stays until tx ends: shared by those who define what is computed
// from it, and alone by whoever drops it or has it return something else. Refreshes know nothing of it. If somebody has it for
// longer than wait, taken is false, and tx can go on.
func Shape(ctx context.Context, tx pgx.Tx, viewID int32, alone bool, wait time.Duration) (taken bool, err error) {
	k := key{class: shapeClass, id: viewID, shared: !alone}
	if taken, err = k.try(ctx, tx); err == nil && !taken && wait > 0 {
		taken, err = k.await(ctx, tx, wait)
	}
	if err != nil {
		return false, fmt.Errorf("lock the shape of view %d: %w", viewID, err)
	}
	return taken, nil
}
