package schedule

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// Refresher refreshes one view; [refresh.Runner] does. It must return soon after its context has ended.
type Refresher interface {
	Refresh(ctx context.Context, req refresh.Request) (catalog.Run, error)
}

// ErrStopped is why the context of a refresh ends that outlasted the grace of a stop. It is part of the error that
// stands in the history of such a run.
var ErrStopped = errors.New("the worker was stopped")

// Loop refreshes what is due, for as long as it runs.
type Loop struct {
	store   catalog.Store
	runner  Refresher
	cfg     Config
	running atomic.Bool
	mended  time.Time    // when the states were last held against the clock
	turned  atomic.Int64 // Unix nanoseconds
}

// New returns a loop that looks into store and refreshes by runner. It fails on a negative number in cfg.
func New(store catalog.Store, runner Refresher, cfg Config) (*Loop, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Loop{store: store, runner: runner, cfg: cfg}, nil
}

// LastTurn is when the loop last turned: it does so at least every few seconds, whatever else is out of order, so a
// turn that is a minute old means that the process is stuck. It is zero before the first.
func (l *Loop) LastTurn() time.Time {
	if ns := l.turned.Load(); ns != 0 {
		return time.Unix(0, ns)
	}
	return time.Time{}
}

// Run refreshes what is due until ctx ends. Then it takes on nothing new, gives running refreshes the grace of the
// configuration, cancels what is left, waits until all are over, and returns nil. No failure of a refresh or of the
// database ends it. It returns an error when the loop runs already, as two would not keep its bounds; and when the catalog is
// of a newer version than this program, see [catalog.ErrNewer], which no waiting mends.
func (l *Loop) Run(ctx context.Context) error {
	if !l.running.CompareAndSwap(false, true) {
		return errors.New("run schedule: the loop is running already")
	}
	defer l.running.Store(false)
	c := newCrew(ctx, l.runner, l.cfg)
	defer c.cancel(nil)
	var o outage
	// Workers that were started together do not look together.
	timer := time.NewTimer(time.Duration(l.cfg.Rand() * float64(l.cfg.Poll)))
	defer timer.Stop()
	for {
		l.turned.Store(l.cfg.Now().UnixNano())
		select {
		case <-ctx.Done():
			c.stop()
			return nil
		case r := <-c.done:
			c.settle(r)
			if o.failures > 0 {
				continue // the timer says when to ask again
			}
		case <-timer.C:
		}
		pause, err := l.turn(ctx, c, &o)
		if err != nil {
			c.stop()
			return err
		}
		timer.Reset(pause)
	}
}

// outage is what the loop knows of a database that does not answer.
type outage struct {
	failures int
	since    time.Time
	readOnly bool // it answers, and takes no writes
}

// turn starts what is due and has a place, and returns the time until the next turn. An error ends the loop.
func (l *Loop) turn(ctx context.Context, c *crew, o *outage) (time.Duration, error) {
	free := l.cfg.Concurrency - len(c.running)
	if free == 0 {
		return l.cfg.pause(), nil
	}
	due, limits, err := l.look(ctx, c.except(), free)
	switch {
	case ctx.Err() != nil:
		return l.cfg.pause(), nil // stopping
	case errors.Is(err, catalog.ErrNewer):
		return 0, err
	case err != nil:
		return l.failed(ctx, o, err), nil
	}
	l.recovered(ctx, o)
	for _, d := range choose(due, free, c.perLink(), limits) {
		c.start(d)
	}
	return l.cfg.pause(), nil
}

// lookTimeout bounds one look at the catalog, which takes milliseconds.
const lookTimeout = 10 * time.Second

// look finds what is due, enough of each link to fill all free places, and how many places each link may have.
func (l *Loop) look(ctx context.Context, except []int32, free int) ([]catalog.Due, map[int32]int, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, lookTimeout, fmt.Errorf("timed out after %s", lookTimeout))
	defer cancel()
	if err := l.store.Current(ctx); err != nil {
		return nil, nil, explain(ctx, err)
	}
	if err := l.store.Writable(ctx); err != nil {
		return nil, nil, explain(ctx, err) // what is due there would be tried in vain, again and again
	}
	if err := l.mend(ctx); err != nil {
		return nil, nil, explain(ctx, err)
	}
	links, err := l.store.Links(ctx)
	if err != nil || len(links) == 0 {
		return nil, nil, explain(ctx, err)
	}
	due, err := l.store.Due(ctx, except, free*(len(links)+1)) // local views take turns as those of one more link
	if err != nil {
		return nil, nil, explain(ctx, err)
	}
	return due, l.cfg.limits(links), nil
}

// explain adds to an error why its context ended.
func explain(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", err, context.Cause(ctx))
	}
	return err
}

// failed counts a look in vain and returns the time until the next one. Only the first is worth a line, of each of the two
// kinds.
func (l *Loop) failed(ctx context.Context, o *outage, err error) time.Duration {
	o.failures++
	delay := l.cfg.outage(o.failures)
	readOnly := errors.Is(err, infra.ErrReadOnly)
	if o.failures > 1 && readOnly == o.readOnly {
		return delay
	}
	if o.failures == 1 {
		o.since = l.cfg.Now()
	}
	o.readOnly = readOnly
	event := "cache database is out of reach, trying again until it answers"
	if readOnly {
		event = "cache database takes no writes, trying again until it does"
	}
	l.cfg.Log.WarnContext(ctx, event,
		infra.KeyError, infra.Message(err), infra.KeyHint, infra.Hint(err), infra.KeyDelay, delay)
	return delay
}

func (l *Loop) recovered(ctx context.Context, o *outage) {
	if o.failures == 0 {
		return
	}
	l.cfg.Log.InfoContext(ctx, "cache database answers again",
		infra.KeyTook, l.cfg.Now().Sub(o.since), infra.KeyAttempt, o.failures+1)
	*o = outage{}
}
