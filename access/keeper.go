package access

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
)

// DB is the cache database; a *pgxpool.Pool is one.
type DB interface {
	infra.Beginner
	catalog.DB
}

// Keeper keeps the logins and addresses of links current, together with all other Keepers on the same database. It is
// safe for concurrent use, and takes one connection at a time for each call.
type Keeper struct {
	db    DB
	store catalog.Store
	aws   AWS
	cfg   Config

	mu       sync.Mutex
	troubled map[int32]time.Time // until when AWS is only asked for what cannot be done without, by link
}

// NewKeeper returns a Keeper that works in db and asks aws. Both stay the caller's.
func NewKeeper(db DB, aws AWS, cfg Config) *Keeper {
	return &Keeper{
		db: db, store: catalog.In(db), aws: aws, cfg: cfg.withDefaults(), troubled: map[int32]time.Time{},
	}
}

// Ready is called before a session is opened through the link: it renews a password that is about to end, and looks up
// an address that may have changed. For a link of which AWS knows nothing it does nothing, and for one whose login and
// address are current it reads one row. Where others are at it, it waits for them, and finds it done.
//
// As long as the link can be used without what AWS refuses to tell, that is logged and no error. A cluster that takes
// no connections is an [*UnavailableError].
func (k *Keeper) Ready(ctx context.Context, l catalog.Link) error {
	if !l.Managed() {
		return nil
	}
	s, err := k.store.LinkState(ctx, l.ID)
	if err != nil {
		return err
	}
	if rest := k.resting(l, s); rest != nil {
		return rest
	}
	if k.lookupDue(l, s) && !k.inTrouble(l, s) {
		if _, err := k.look(ctx, l, k.cfg.Poll.Delay(1), k.lookupDue); err != nil && !k.bearable(ctx, l, s, err) {
			return err
		}
	}
	if k.loginDue(l, s) && (s.Expired() || !k.inTrouble(l, s)) {
		err := k.renew(ctx, l, k.loginDue)
		if err != nil && (s.Expired() || !k.bearable(ctx, l, s, err)) {
			return fmt.Errorf("renew login of link %s: %w", l.Name, err)
		}
	}
	return nil
}

// bearable says whether the link can be used in spite of an error, and then logs it and makes the next calls go on
// without asking for a while.
func (k *Keeper) bearable(ctx context.Context, l catalog.Link, s catalog.LinkState, err error) bool {
	if ctx.Err() != nil || errors.As(err, new(*UnavailableError)) {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.troubled[l.ID] = s.Now.Add(k.cfg.Rest)
	k.cfg.Log.WarnContext(ctx, "login and address of the link are not brought up to date, it is used as it is",
		infra.KeyLink, l.Name, infra.KeyError, infra.Message(err), infra.KeyHint, infra.Hint(err))
	return true
}

func (k *Keeper) inTrouble(l catalog.Link, s catalog.LinkState) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	left := k.troubled[l.ID].Sub(s.Now)
	return left > 0 && left <= k.cfg.Rest
}

// longestRest is longer than any rest: one that seems to take longer was written while the clock of the database was
// ahead.
const longestRest = time.Hour

// resting returns what to say of a link that rests now; nil when it does not. A rest that ends soon is one between two
// looks at a cluster that comes back by itself.
func (k *Keeper) resting(l catalog.Link, s catalog.LinkState) *UnavailableError {
	if s.RestUntil == nil || !s.RestUntil.After(s.Now) || s.RestUntil.Sub(s.Now) > longestRest {
		return nil
	}
	left := s.RestUntil.Sub(s.Now)
	return &UnavailableError{Link: l.Name, Status: *s.RestReason, Passing: left <= 2*k.cfg.Poll.Max, left: left}
}

// due says whether there is something to do for a link, also after somebody else may have done it.
type due func(l catalog.Link, s catalog.LinkState) bool

func always(catalog.Link, catalog.LinkState) bool { return true }

// errBusy means that somebody else has had the lock of a link's login for too long.
var errBusy = errors.New("somebody else has been at it for too long")

// locked runs work in a transaction that has the lock of the link's login, unless it turns out not to be due any more.
// What work has written before it returned
// an [*UnavailableError] is kept. A caller whose own transaction is idle meanwhile needs to wait for that no longer
// than it takes others and AWS, so both waits are limited.
func (k *Keeper) locked(ctx context.Context, l catalog.Link, is due, work func(tx pgx.Tx, s catalog.LinkState) error) error {
	var found *UnavailableError
	err := infra.InTx(ctx, k.db, infra.Limits{}, func(tx pgx.Tx) error {
		taken, err := lock.Login(ctx, tx, l.ID, k.cfg.Ask)
		if err != nil {
			return err
		}
		if !taken {
			return errBusy
		}
		s, err := catalog.In(tx).LinkState(ctx, l.ID)
		if err != nil || !is(l, s) {
			return err
		}
		err = work(tx, s)
		if errors.As(err, &found) {
			return nil
		}
		return err
	})
	if err == nil && found != nil {
		return found
	}
	return err
}

// asking bounds a question to AWS.
func (k *Keeper) asking(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, k.cfg.Ask, fmt.Errorf("no answer within %s", k.cfg.Ask))
}
