package lock

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Login takes the lock of what a link logs in with and where it leads, in tx, where it stays until tx ends. Whoever
// renews a password or looks up an address holds it, so that one of many who need it does so for all. If it is held
// for longer than wait, Login returns false, and tx can go on. After an error tx can only be rolled back.
func Login(ctx context.Context, tx pgx.Tx, linkID int32, wait time.Duration) (taken bool, err error) {
	k := key{class: loginClass, id: linkID}
	if taken, err = k.try(ctx, tx); err == nil && !taken && wait > 0 {
		taken, err = k.await(ctx, tx, wait)
	}
	if err != nil {
		return false, fmt.Errorf("lock login of link %d: %w", linkID, err)
	}
	return taken, nil
}
