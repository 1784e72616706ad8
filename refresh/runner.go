package refresh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/read"
	"github.com/redcache/redcache/refresh/relation"
)

// Step is one statement of a plan.
type Step = relation.Step

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
	// Silence is how long nobody has to have said that he is still building something before it is taken for left behind;
	// default [catalog.Silence].
	Silence time.Duration
	// Margin is the time before a caller's deadline that is kept for cleaning up; default 5 s. With less than twice as
	// much left, a refresh does not begin.
	Margin time.Duration
	// Links keeps logins and addresses current; nil leaves them as they are, which does for links with a password.
	Links Links
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
	cfg.Silence = cmp.Or(max(cfg.Silence, 0), catalog.Silence)
	cfg.Margin = cmp.Or(max(cfg.Margin, 0), defaultMargin)
	if cfg.Links == nil {
		cfg.Links = asTheyAre{}
	}
	return &Runner{pool: pool, store: catalog.In(pool), cfg: cfg, opener: read.NewOpener(pool)}
}

// Request asks for one refresh.
type Request struct {
	View        catalog.Name     // the others of its group are refreshed with it
	Strategy    catalog.Strategy // instead of what the definition says; empty: as defined
	Whole       bool             // read everything, whatever the watermark says, and whatever may prove it pointless
	AllowShrink int              // percent of the rows that may go, if that is more than the definition says
	Wait        time.Duration    // how long to wait for the view's lock; zero: not at all
	OnlyIfDue   bool             // do nothing when the view is no longer due once it is locked
	Progress    func(Phase)      // told what the refresh is at; may be nil, must not block
}

// Phase is what a refresh is at, for progress displays.
type Phase string

// The phases, in order.
const (
	Locking    Phase = "waiting for the lock"
	Queueing   Phase = "waiting for a slot of the link"
	Connecting Phase = "connecting to Redshift"
	Loading    Phase = "loading"
	Publishing Phase = "waiting for a moment without readers"
	Committing Phase = "committing"
)

// errNotDue ends an attempt that OnlyIfDue makes pointless.
var errNotDue = errors.New("not due")

// Refresh refreshes one view, with the others of its group if it has one, and returns its run as it stands in the
// history. A run that was skipped, because somebody else holds the lock, is no error. With OnlyIfDue, a view that is not
// due returns a zero Run. An error comes with the failed run, if it got as far as having one.
//
// When ctx has a deadline, the work is over on both servers before it, done or not; see [LateError].
func (r *Runner) Refresh(ctx context.Context, req Request) (catalog.Run, error) {
	work, cancel := r.within(ctx)
	defer cancel()
	if err := r.early(work, 0); err != nil {
		return catalog.Run{}, about("refresh view", req.View, err)
	}
	stub, err := r.store.Stub(work, req.View)
	if err != nil {
		return catalog.Run{}, r.store.Explain(work, err)
	}
	if stub.Lost {
		if _, err := r.store.RestoreStates(work); err != nil {
			return catalog.Run{}, about("refresh view", req.View, err)
		}
	}
	j := &job{runner: r, req: req, stub: stub, repaired: map[redshift.Class]bool{}, mended: map[int32][]string{}}
	err = r.store.Explain(work, r.tryUntilDone(work, j))
	var held *lock.HeldError
	switch {
	case errors.Is(err, errNotDue):
		return catalog.Run{}, nil
	case errors.As(err, &held) && j.members == nil:
		return r.skip(work, j, held)
	case err != nil:
		return r.fail(work, j, err)
	}
	return r.succeed(work, j), nil
}

// checkRequest refuses what the view's generation cannot do.
func checkRequest(v catalog.View, req Request) error {
	invalid := func(problem, change string) error {
		return &catalog.InvalidError{
			What: "refresh view " + v.Name.String(), Problem: problem,
			Fix: "change the view with " + altering(v.Name, strings.Fields(change)...),
		}
	}
	if err := v.CheckStored(); err != nil {
		return err
	}
	its, _ := v.Strategy.Traits()
	asked, known := req.Strategy.Traits()
	switch {
	case req.Strategy == "", req.Strategy == v.Strategy:
		return nil
	case v.Group != "":
		return &catalog.InvalidError{
			What: "refresh view " + v.Name.String(), Problem: "the views of group " + v.Group + " are refreshed as they are defined",
			Fix: "leave --strategy out",
		}
	case !known, asked.Materialized != its.Materialized, asked.Watermark:
		return invalid(fmt.Sprintf("its strategy is %s, and its rows are not kept as %s needs it", v.Strategy, req.Strategy),
			"--strategy "+string(req.Strategy))
	case its.Watermark:
		return invalid(fmt.Sprintf("its strategy is %s, and its watermark must go on", v.Strategy), "--strategy "+string(req.Strategy))
	case !v.Meets(req.Strategy):
		return invalid(fmt.Sprintf("strategy %s needs a key", req.Strategy), "--key COLUMNS")
	}
	return nil
}

// tryUntilDone makes attempts until one commits, or fails in a way that trying again does not mend.
func (r *Runner) tryUntilDone(ctx context.Context, j *job) error {
	for began := time.Now(); ; {
		j.number++
		err := j.run(ctx)
		if errors.Is(err, infra.ErrOutcomeUnknown) && r.committed(ctx, j) {
			return nil
		}
		if errors.As(err, new(*lock.HeldError)) && j.lastErr != nil {
			return fmt.Errorf("%w; then %w", j.lastErr, err) // lost to somebody else between two attempts
		}
		again, hopeless := j.repair(ctx, err)
		late := time.Since(began) >= j.stub.Timeout // of a source that answers nothing, for instance
		if hopeless != nil {
			return hopeless
		}
		if err == nil || ctx.Err() != nil || !again && (late || j.number >= r.cfg.Attempts || !retryable(err)) {
			return err
		}
		j.lastErr = err
		r.cfg.Log.WarnContext(ctx, "refresh is tried again", infra.KeyView, j.req.View.String(),
			infra.KeyRun, j.runID(), infra.KeyAttempt, j.number, infra.KeyError, redshift.Public(err), infra.KeyHint, infra.Hint(err))
		if err := r.pause(ctx, j, again); err != nil {
			return fmt.Errorf("%w; %w", j.lastErr, err)
		}
	}
}

// pause waits before the next attempt, unless what failed has been mended; a *LateError when there is no time for one.
func (r *Runner) pause(ctx context.Context, j *job, mended bool) error {
	if mended {
		return r.early(ctx, 0)
	}
	delay := r.cfg.Backoff.Delay(j.number)
	if err := r.early(ctx, delay); err != nil {
		return err
	}
	return infra.Sleep(ctx, delay)
}

// retryable says whether the same work may succeed in another transaction.
func retryable(err error) bool {
	switch redshift.Classify(err) {
	case redshift.Reconnect, redshift.RetryTransaction, redshift.Backoff:
		return true
	}
	return errors.Is(err, infra.ErrOutcomeUnknown) || errors.Is(err, errGroupChanged)
}

// committed finds out what became of a commit whose answer was lost: the run's result was part of it.
func (r *Runner) committed(ctx context.Context, j *job) bool {
	if j.members == nil {
		return false
	}
	return r.became(ctx, func(ctx context.Context) (bool, error) {
		run, err := r.store.Run(ctx, j.members[0].run) // they all commit together
		return run.State.Succeeds(), err
	})
}

// became asks until there is an answer whether something is so by now, and takes none for a no.
func (r *Runner) became(ctx context.Context, ask func(ctx context.Context) (bool, error)) bool {
	ctx, cancel := recording(ctx)
	defer cancel()
	for n := 1; ; n++ {
		so, err := ask(ctx)
		if err == nil || r.cfg.Backoff.Wait(ctx, n) != nil {
			return so && err == nil
		}
	}
}

// ordinary is the patience of what has no other way than the lock.
func (r *Runner) ordinary() relation.Patience {
	return relation.Shortly(r.cfg.Patience)
}
