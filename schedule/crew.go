package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh"
)

// The keys of log attributes that only this package has.
const (
	keyRunning = "running"
	keyGrace   = "grace"
	keyStack   = "stack"
)

// crew is the refreshes under way and the views that rest. Only the loop's goroutine uses it; the refreshes, one
// goroutine each, report to it through done.
type crew struct {
	runner  Refresher
	cfg     Config
	work    context.Context // of the refreshes: it outlives the loop's own by the grace
	cancel  context.CancelCauseFunc
	done    chan result
	running map[int32]catalog.Due // by view
	resting map[int32]rest        // by view
}

// result is how one refresh ended.
type result struct {
	due catalog.Due
	run catalog.Run
	err error
}

// rest keeps a view from being tried over and over for nothing.
type rest struct {
	until time.Time
	times int // in a row
}

func newCrew(ctx context.Context, runner Refresher, cfg Config) *crew {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	return &crew{
		runner: runner, cfg: cfg, work: work, cancel: cancel, done: make(chan result, cfg.Concurrency),
		running: make(map[int32]catalog.Due), resting: make(map[int32]rest),
	}
}

// start refreshes a view in a goroutine of its own, whose result must be taken from done and settled.
func (c *crew) start(d catalog.Due) {
	c.running[d.ViewID] = d
	go func() {
		r := result{due: d, err: errors.New("the refresh did not return")}
		defer func() { c.done <- r }()
		r.run, r.err = c.refresh(d)
	}()
}

// panicError is a panic of a refresh.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// refresh turns a panic into an error, so that it ends this refresh and not the others.
func (c *crew) refresh(d catalog.Due) (run catalog.Run, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{value: v, stack: debug.Stack()}
		}
	}()
	return c.runner.Refresh(c.work, refresh.Request{View: d.Name, OnlyIfDue: true})
}

// settle takes a refresh out of the crew. After a success, or when it was not due any more, or the source not ready, the catalog
// knows when the view is due next. Else it may still be due, so it rests.
func (c *crew) settle(r result) {
	delete(c.running, r.due.ViewID)
	if r.err == nil && (r.run.State != catalog.Skipped || r.run.Unready()) {
		delete(c.resting, r.due.ViewID)
		return
	}
	times := c.resting[r.due.ViewID].times + 1
	delay := c.cfg.rest(times)
	c.resting[r.due.ViewID] = rest{until: c.cfg.Now().Add(delay), times: times}
	c.report(r, delay)
}

// report logs a failure that has not reached the history, where the runner would have logged it.
func (c *crew) report(r result, delay time.Duration) {
	if r.err == nil || r.run.FinishedAt != nil {
		return
	}
	level := slog.LevelError
	var gone *catalog.NotFoundError
	if errors.As(r.err, &gone) || errors.Is(r.err, ErrStopped) {
		level = slog.LevelDebug // dropped since the look; stopped before it began
	}
	attrs := []slog.Attr{
		slog.String(infra.KeyView, r.due.Name.String()), slog.String(infra.KeyError, redshift.Public(r.err)),
		slog.Duration(infra.KeyDelay, delay),
	}
	if hint := infra.Hint(r.err); hint != "" {
		attrs = append(attrs, slog.String(infra.KeyHint, hint))
	}
	if r.run.ID != 0 {
		attrs = append(attrs, slog.Int64(infra.KeyRun, r.run.ID))
	}
	var panicked *panicError
	if errors.As(r.err, &panicked) {
		attrs = append(attrs, slog.String(keyStack, string(panicked.stack)))
	}
	c.cfg.Log.LogAttrs(c.work, level, "refresh failed and is not in the history", attrs...)
}

// except lists the views that must not be started now, and forgets those whose rest is long over.
func (c *crew) except() []int32 {
	except := make([]int32, 0, len(c.running)+len(c.resting))
	for id := range c.running {
		except = append(except, id)
	}
	now := c.cfg.Now()
	for id, r := range c.resting {
		switch {
		case now.Before(r.until):
			except = append(except, id)
		case now.Sub(r.until) > longestRest:
			delete(c.resting, id)
		}
	}
	return except
}

// perLink counts the refreshes under way.
func (c *crew) perLink() map[int32]int {
	count := make(map[int32]int)
	for _, d := range c.running {
		count[d.LinkID]++
	}
	return count
}

// stop waits for the refreshes under way, and cancels them when the grace is over.
func (c *crew) stop() {
	if len(c.running) == 0 {
		return
	}
	c.cfg.Log.InfoContext(c.work, "stopping once running refreshes have ended",
		keyRunning, len(c.running), keyGrace, c.cfg.StopGrace)
	grace := time.NewTimer(c.cfg.StopGrace)
	defer grace.Stop()
	for len(c.running) > 0 {
		select {
		case r := <-c.done:
			c.settle(r)
		case <-grace.C:
			c.cfg.Log.WarnContext(c.work, "cancelling refreshes that have outlasted the grace of the stop",
				keyRunning, len(c.running))
			c.cancel(ErrStopped)
		}
	}
}
