package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/infra/cloud"
)

// lookupDue says whether the cluster has to be looked at: its address may have changed, or it took no connections when
// it was last looked at.
func (k *Keeper) lookupDue(l catalog.Link, s catalog.LinkState) bool {
	old := s.ResolvedAt == nil || s.Now.Sub(*s.ResolvedAt) >= k.cfg.MaxAge || s.ResolvedAt.After(s.Now)
	return known(l) && (s.RestReason != nil || l.Address == catalog.PrivateAddress && old)
}

// known says whether AWS can be asked about the link's cluster.
func known(l catalog.Link) bool { return l.Cluster+l.Workgroup != "" }

// look asks AWS where the link's cluster is and whether it takes connections, if that is due, makes the link lead
// there, and says whether it led elsewhere before. A cluster that takes none makes the link rest, for a pause when it
// comes back by itself, and is an [*UnavailableError].
func (k *Keeper) look(ctx context.Context, l catalog.Link, pause time.Duration, is due) (moved bool, err error) {
	err = k.locked(ctx, l, is, func(tx pgx.Tx, s catalog.LinkState) error {
		if rest := k.resting(l, s); rest != nil {
			return rest // somebody else has just looked
		}
		moved, err = k.lookIn(ctx, tx, l, s, pause)
		return err
	})
	return moved, err
}

func (k *Keeper) lookIn(ctx context.Context, tx pgx.Tx, l catalog.Link, s catalog.LinkState, pause time.Duration) (moved bool, err error) {
	endpoint, err := k.endpoint(ctx, l)
	if err != nil {
		return false, err
	}
	if endpoint.State != cloud.Available {
		return false, k.rest(ctx, tx, l, unavailable(l, endpoint, pause))
	}
	if s.RestReason != nil {
		if err := catalog.In(tx).Rest(ctx, l.ID, 0, ""); err != nil {
			return false, err
		}
	}
	if moved, err = place(ctx, tx, l, endpoint); moved {
		k.cfg.Log.InfoContext(ctx, "address of the link has changed", infra.KeyLink, l.Name)
	}
	return moved, err
}

// rest makes the link rest, and returns why.
func (k *Keeper) rest(ctx context.Context, db catalog.DB, l catalog.Link, why *UnavailableError) error {
	if !why.Passing {
		why.left = k.cfg.Rest
	}
	k.cfg.Log.WarnContext(ctx, "link rests", infra.KeyLink, why.Link, infra.KeyReason, why.Status, infra.KeyDelay, why.left)
	if err := catalog.In(db).Rest(ctx, l.ID, why.left, why.Status); err != nil {
		return err
	}
	return why
}

// place makes the link's foreign server lead to an endpoint, if its address is kept at the private one.
func place(ctx context.Context, tx pgx.Tx, l catalog.Link, e cloud.Endpoint) (moved bool, err error) {
	if l.Address != catalog.PrivateAddress {
		return false, nil
	}
	if err := settle(&l, e); err != nil {
		return false, err
	}
	if moved, err = dblink.SetAddress(ctx, tx, l.Server().Name, l.HostAddr, l.Port); err != nil {
		return false, err
	}
	return moved, catalog.In(tx).Resolved(ctx, l)
}

// settle writes an endpoint into the link. The host stays what it is: the certificate is for it.
func settle(l *catalog.Link, e cloud.Endpoint) error {
	l.Host = cmp.Or(l.Host, e.Host)
	if l.Address != catalog.PrivateAddress {
		l.Port = cmp.Or(l.Port, e.Port)
		return nil
	}
	at := slices.IndexFunc(e.Private, func(i cloud.Interface) bool { return l.Zone != "" && i.Zone == l.Zone })
	if at = max(at, 0); at >= len(e.Private) {
		return infra.Hinted(fmt.Errorf("AWS tells no private address of %s", l.Cluster+l.Workgroup),
			"Give the address with --hostaddr, or let the host name resolve to it.")
	}
	l.HostAddr, l.Port = e.Private[at].Address, e.Port
	return nil
}

// endpoint asks AWS about the link's cluster or workgroup.
func (k *Keeper) endpoint(ctx context.Context, l catalog.Link) (cloud.Endpoint, error) {
	ctx, cancel := k.asking(ctx)
	defer cancel()
	if l.Workgroup != "" {
		return k.aws.Workgroup(ctx, l.Region, l.Workgroup)
	}
	return k.aws.Cluster(ctx, l.Region, l.Cluster)
}

// repairAddress looks at the cluster after a connection to it could not be made, unless somebody has done so since.
func (k *Keeper) repairAddress(ctx context.Context, l catalog.Link, since time.Time) (again bool, err error) {
	if !known(l) {
		return false, nil
	}
	again = true // if somebody has looked since, there is nothing else to do
	stale := func(_ catalog.Link, s catalog.LinkState) bool {
		again = s.ResolvedAt != nil && s.ResolvedAt.After(since)
		return !again
	}
	moved, err := k.look(ctx, l, k.cfg.Poll.Delay(1), stale)
	away, unavailable := errors.AsType[*UnavailableError](err)
	switch {
	case unavailable && away.Passing:
		return k.await(ctx, l, away)
	case unavailable || ctx.Err() != nil:
		return false, err
	case errors.As(err, new(*cloud.Error)): // any other one is the cache database's, and known to whoever asks
		k.cfg.Log.WarnContext(ctx, "AWS does not say why the link's cluster is out of reach",
			infra.KeyLink, l.Name, infra.KeyError, infra.Message(err), infra.KeyHint, infra.Hint(err))
	}
	return again || moved, nil
}

// await waits for a cluster that comes back by itself. When that takes too long, the link rests.
func (k *Keeper) await(ctx context.Context, l catalog.Link, away *UnavailableError) (again bool, err error) {
	patient, cancel := context.WithTimeout(ctx, k.cfg.Patience)
	defer cancel()
	for n := 2; infra.Sleep(patient, away.left) == nil; n++ {
		_, err := k.look(patient, l, k.cfg.Poll.Delay(n), always)
		if err == nil {
			return true, nil
		}
		if now, unavailable := errors.AsType[*UnavailableError](err); unavailable {
			away = now
		} else if patient.Err() == nil {
			away.left = k.cfg.Poll.Delay(n) // AWS itself does not answer
		}
		if !away.Passing {
			return false, away
		}
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return false, context.Cause(ctx)
	}
	over := &UnavailableError{Link: l.Name, Status: away.Status + " for longer than a refresh waits"}
	ctx, done := infra.Ending(ctx, k.cfg.Ask)
	defer done()
	return false, k.rest(ctx, k.db, l, over)
}
