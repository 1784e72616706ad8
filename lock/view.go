package lock

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// HeldError says that another session has the view's lock. [View] returns it. It is an outcome more than a failure:
// somebody else refreshes the view already.
type HeldError struct {
	ViewID int32
	Holder Holder
	Known  bool // false when the holder let go before it could be named
}

// Error names the view and its holder.
func (e *HeldError) Error() string {
	if !e.Known {
		return fmt.Sprintf("lock view %d: held by a session that has just ended", e.ViewID)
	}
	return fmt.Sprintf("lock view %d: held by %s", e.ViewID, e.Holder)
}

// View takes the view's lock in tx, where it stays until tx ends. If another session has it, View waits at most so
// long; 0 does not wait. If it is still held then, View returns a [*HeldError] and tx can go on. After any other
// error, the end of ctx included, tx can only be rolled back. A view's lock may be taken more than once in one tx.
func View(ctx context.Context, tx pgx.Tx, viewID int32, wait time.Duration) error {
	k := key{class: viewClass, id: viewID}
	taken, err := k.try(ctx, tx)
	if err == nil && !taken && wait > 0 {
		taken, err = k.await(ctx, tx, wait)
	}
	if err != nil {
		return fmt.Errorf("lock view %d: %w", viewID, err)
	}
	if taken {
		return nil
	}
	return viewHeld(ctx, tx, k)
}

// viewHeld names the holder. One that is gone by then leaves a chance to take the lock after all; only one, so that
// many short holders cannot keep this going.
func viewHeld(ctx context.Context, tx pgx.Tx, k key) error {
	held := &HeldError{ViewID: k.id}
	for range 2 {
		locks, err := List(ctx, tx)
		if err != nil {
			return fmt.Errorf("lock view %d: find its holder: %w", k.id, err)
		}
		for _, l := range locks {
			if l.Kind == KindView && l.ID == k.id && !l.Waiting {
				held.Holder, held.Known = l.Holder, true
				return held
			}
		}
		if taken, err := k.try(ctx, tx); err != nil {
			return fmt.Errorf("lock view %d: %w", k.id, err)
		} else if taken {
			return nil
		}
	}
	return held
}
