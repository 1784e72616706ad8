package refresh

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
)

// changePatience is how long a change of a definition waits for a refresh of the view to end.
const changePatience = 30 * time.Second

// lockSet takes the lock of a set that is being built. Only somebody who takes it for left behind may have it, or a session of
// its own whose connection was cut, until its server notices.
func lockSet(ctx context.Context, tx pgx.Tx, set int32) error {
	return setTaken(lock.Set(ctx, tx, set, changePatience))
}

// lockPartOfSet is lockSet for what is built beside other parts.
func lockPartOfSet(ctx context.Context, tx pgx.Tx, set int32) error {
	return setTaken(lock.PartOfSet(ctx, tx, set, changePatience))
}

func setTaken(taken bool, err error) error {
	if err == nil && !taken {
		err = catalog.ErrSetGone
	}
	return err
}

// lockView takes a view's lock. While it waits, it tells who has it.
func lockView(ctx context.Context, tx pgx.Tx, viewID int32, wait time.Duration, tell func(Phase)) error {
	err := lock.View(ctx, tx, viewID, 0)
	held, is := errors.AsType[*lock.HeldError](err)
	if !is || wait <= 0 {
		return err
	}
	if tell != nil && held.Known {
		tell(Locking + Phase(", held by "+infra.Printable(held.Holder.String())))
	}
	return lock.View(ctx, tx, viewID, wait)
}
