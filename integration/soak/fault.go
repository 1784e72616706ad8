package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/internal/redshiftsim"
)

// fault is what strikes a step.
type fault struct {
	what  string
	after time.Duration
	rows  int
}

const (
	cancelled  = "the caller gives up"
	terminated = "a backend is terminated"
	cut        = "the connection to the source is cut in the middle of the rows"
	killed     = "the process is killed"
	refused    = "the source ends its query in the middle of the rows"
	dropped    = "all connections to the source are cut"
	held       = "a reader keeps the views open"
)

func drawFault(r *rand.Rand) fault {
	return fault{
		what:  one(r, []string{cancelled, terminated, cut, killed, refused, dropped, held}),
		after: time.Duration(r.IntN(80)) * time.Millisecond, rows: r.IntN(30),
	}
}

// context is that of what the fault strikes.
func (f *fault) context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if f != nil && f.what == cancelled {
		stop := time.AfterFunc(f.after, cancel).Stop
		return ctx, func() { stop(); cancel() }
	}
	return ctx, cancel
}

// strike makes the fault come, and returns what lifts it again.
func (h *history) strike(ctx context.Context, f *fault) (lift func() error, err error) {
	lift = func() error { return nil }
	if f == nil {
		return lift, nil
	}
	h.say("fault: %s", f.what)
	h.tally.faults[f.what]++
	switch f.what {
	case cut:
		h.pair.stand.DropAfter(f.rows)
		return func() error { h.pair.stand.DropAfter(math.MaxInt); return nil }, nil // nothing is cut any more
	case refused:
		h.pair.stand.FailAfter(f.rows, redshiftsim.SystemAbort())
		return func() error { h.pair.stand.FailAfter(math.MaxInt, redshiftsim.SystemAbort()); return nil }, nil
	case dropped:
		stop := time.AfterFunc(f.after, h.pair.stand.DropAll).Stop
		return func() error { stop(); return nil }, nil
	case terminated:
		ended := make(chan error, 1)
		go func() { ended <- h.terminate(ctx, f.after) }()
		return func() error { return <-ended }, nil
	case held:
		return h.keepOpen(ctx, f.after)
	}
	return lift, nil
}

// terminate ends one session of the owner's that is at work.
func (h *history) terminate(ctx context.Context, after time.Duration) error {
	if err := pauseFor(ctx, after); err != nil {
		return err
	}
	_, err := h.pair.admin.Exec(ctx, `
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name LIKE 'soak%' AND state <> 'idle' ORDER BY pid LIMIT 1`)
	return err
}

// keepOpen has a reader that stays for a while.
func (h *history) keepOpen(ctx context.Context, d time.Duration) (lift func() error, err error) {
	conn, err := h.pair.reader(ctx, pgx.QueryExecModeExec)
	if err != nil {
		return nil, err
	}
	if _, err = conn.Exec(ctx, "BEGIN"); err != nil {
		return nil, err
	}
	for _, u := range h.units {
		for _, name := range u.names {
			if _, err := conn.Exec(ctx, "SELECT FROM "+name.SQL()+" LIMIT 1"); err != nil {
				return nil, fmt.Errorf("a long reader: %w", err)
			}
		}
	}
	ended := make(chan error, 1)
	go func() {
		err := pauseFor(ctx, 8*d)
		_ = conn.Close(context.WithoutCancel(ctx))
		ended <- err
	}()
	return func() error { return <-ended }, nil
}
