package refresh

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/read"
	"github.com/redcache/redcache/refresh/relation"
)

// Config says how a Runner behaves. The zero value is usable.
type Config struct {
	Origin   string        // who asks, as it stands in the history; default "cli"
	Log      *slog.Logger  // default: none
	Attempts int           // transactions tried before a run fails; default 3
	Backoff  infra.Backoff // pauses between attempts
	KeepRuns int           // history kept of each view; default 1000 runs
	// Patience is how long whatever has no other way waits for a moment without readers; default a minute.
	Patience time.Duration
	// SwitchPatience is how long a swap waits for a moment without readers before it merges instead; default 15 s.
	SwitchPatience time.Duration
	// ModifiedLag is how late Redshift notes that a table was modified; default
	// [redshift.ModifiedLag].
	ModifiedLag time.Duration
	// CatchUpAfter is from which length on a build is caught up before it takes effect; default 10 s.
	CatchUpAfter time.Duration
	// CatchUpShare is which part of the time that a build has taken is spent once more to have its rows newer: one of so many;
	// default 10.
	CatchUpShare int
	// Silence is how long nobody has to have said that he is still building something before it is taken for left behind;
	// default [catalog.Silence].
	Silence time.Duration
	// Margin is the time before a caller's deadline that is kept for cleaning up; default 5 s. With less than twice as
	// much left, a refresh does not begin.
	Margin time.Duration
	// Links keeps logins and addresses current; nil leaves them as they are, which does for links with a password.
	Links Links
}

// database is the pool, or what stands for it in a rehearsal.
type database interface {
	infra.Beginner
	infra.DB
}

// opener opens sessions on Redshift; [read.Opener] does, and says what each method promises.
type opener interface {
	Open(ctx context.Context, tx pgx.Tx, w read.Wish) (s read.Session, why error, err error)
	Forget(linkID int32)
}

// Runner refreshes views. It is safe for concurrent use; each refresh under way takes up to three of the pool's
// connections, two of them briefly, so a pool needs at least one more than twice the number of concurrent refreshes.
type Runner struct {
	pool   database
	store  catalog.Store
	cfg    Config
	opener opener

	rehearses bool // nothing of what it does stays
}

// NewRunner returns a Runner that works through pool, which stays the caller's to close.
func NewRunner(pool *pgxpool.Pool, cfg Config) *Runner {
	if cfg.Origin == "" {
		cfg.Origin = "cli"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Attempts <= 0 {
		cfg.Attempts = 3
	}
	cfg.KeepRuns = cmp.Or(max(cfg.KeepRuns, 0), 1000)
	cfg.Patience = cmp.Or(max(cfg.Patience, 0), time.Minute)
	cfg.SwitchPatience = cmp.Or(max(cfg.SwitchPatience, 0), 15*time.Second)
	cfg.ModifiedLag = cmp.Or(max(cfg.ModifiedLag, 0), redshift.ModifiedLag)
	cfg.CatchUpAfter = cmp.Or(max(cfg.CatchUpAfter, 0), 10*time.Second)
	cfg.CatchUpShare = cmp.Or(max(cfg.CatchUpShare, 0), 10)
	cfg.Silence = cmp.Or(max(cfg.Silence, 0), catalog.Silence)
	cfg.Margin = cmp.Or(max(cfg.Margin, 0), defaultMargin)
	if cfg.Links == nil {
		cfg.Links = asTheyAre{}
	}
	return &Runner{pool: pool, store: catalog.In(pool), cfg: cfg, opener: read.NewOpener(pool)}
}

// defaultMargin is what [Config.Margin] says when it says nothing.
const defaultMargin = 5 * time.Second

// ordinary is the patience of what has no other way than the lock.
func (r *Runner) ordinary() relation.Patience {
	return relation.Shortly(r.cfg.Patience)
}
