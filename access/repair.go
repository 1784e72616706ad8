package access

import (
	"context"
	"errors"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/redshift"
)

// Repair is called after a session could not be opened, or broke, with the reason, and says whether it is worth trying
// again. The moment since is one of the database's clock, before the link's login and address were read: if they have
// been renewed since, trying again is all that is left to do.
//
// A login that was refused is renewed, and the error says why that cannot be. When there was no connection, the cluster
// is looked at: one that has moved is followed, one that comes back by itself is waited for, and one that somebody
// stopped is an [*UnavailableError]. Whoever calls does so once for each of these: a second failure has another reason.
func (k *Keeper) Repair(ctx context.Context, l catalog.Link, since time.Time, cause error) (again bool, err error) {
	if away, unavailable := errors.AsType[*UnavailableError](cause); unavailable {
		if away.Passing {
			return k.await(ctx, l, away)
		}
		return false, nil
	}
	switch redshift.Classify(cause) {
	case redshift.Credentials:
		return k.repairLogin(ctx, l, since)
	case redshift.Reconnect:
		return k.repairAddress(ctx, l, since)
	}
	return false, nil
}
