package integration_test

import (
	"syscall"
	"testing"
)

// disaster is something that goes wrong while a refresh of each strategy is under way.
type disaster struct {
	name string
	// refresh starts what refreshes all views; the worker when nil.
	refresh func(c *chaos, t *testing.T) []*process
	// strike breaks something.
	strike func(c *chaos, t *testing.T, refreshing []*process)
	// repair mends it, and starts what the next run takes. When nil, there is nothing to do: the worker lives on.
	repair func(c *chaos, t *testing.T)
	// released says that locks and sessions go, without anybody's help, before the repair.
	released bool
	// history is what has to be told of each view, oldest first, as state/attempts.
	history string
	// why is what errors in the history have to say.
	why string
}

var disasters = []disaster{
	{
		name: "worker is killed",
		strike: func(_ *chaos, _ *testing.T, ps []*process) {
			for _, p := range ps {
				p.kill()
			}
		},
		released: true,
		repair:   func(c *chaos, t *testing.T) { c.untilCaughtUp(t, c.worker(t)) },
		history:  `^abandoned/1( succeeded/1)+$`, why: "process or connection ended",
	},
	{
		name:    "cachectl is killed",
		refresh: func(c *chaos, t *testing.T) []*process { return c.refreshEach(t) },
		strike: func(_ *chaos, _ *testing.T, ps []*process) {
			for _, p := range ps {
				p.kill()
			}
		},
		released: true,
		repair:   func(c *chaos, t *testing.T) { c.cachectl(t, "refresh", "--all") },
		history:  `^abandoned/1 succeeded/1$`, why: "process or connection ended",
	},
	{
		name:   "backends are terminated",
		strike: func(c *chaos, t *testing.T, _ []*process) { c.terminate(t) },
		// The worker tries again at once.
		history: `^succeeded/2( succeeded/1)*$`,
	},
	{
		name:    "link is cut",
		strike:  func(c *chaos, _ *testing.T, _ []*process) { c.source.DropAll() },
		history: `^succeeded/2( succeeded/1)*$`,
	},
	{
		name: "Redshift is paused for a while",
		strike: func(c *chaos, t *testing.T, _ []*process) {
			c.source.Pause()
			c.untilAll(t, "failed")
		},
		repair: func(c *chaos, t *testing.T) {
			if err := c.source.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
		history: `^(failed/3 )+succeeded/[123]( succeeded/1)*$`, why: "refused|closed|could not|reset|EOF",
	},
	{
		name: "Redshift stalls for a while",
		strike: func(c *chaos, t *testing.T, _ []*process) {
			c.source.Stall(true)
			defer c.source.Stall(false)
			c.wantServed(t)
		},
		history: `^succeeded/1( succeeded/1)*$`,
	},
	{
		name: "Redshift falls silent for good",
		refresh: func(c *chaos, t *testing.T) []*process {
			c.alterEach(t, "--timeout", "4s")
			return c.refreshEach(t)
		},
		strike: func(c *chaos, t *testing.T, ps []*process) { c.stall(t, ps, 0, 1) },
		repair: func(c *chaos, t *testing.T) {
			c.alterEach(t, "--timeout", "1m")
			c.cachectl(t, "refresh", "--all")
		},
		history: `^failed/1 succeeded/1$`, why: "no answer after 4s|canceled on user's request|statement timeout",
	},
	{
		name:    "Redshift stalls and cachectl is interrupted",
		refresh: func(c *chaos, t *testing.T) []*process { return c.refreshEach(t) },
		strike:  func(c *chaos, t *testing.T, ps []*process) { c.stall(t, ps, syscall.SIGINT, 1) },
		repair:  func(c *chaos, t *testing.T) { c.cachectl(t, "refresh", "--all") },
		history: `^canceled/1 succeeded/1$`, why: "interrupt signal received",
	},
	{
		name:    "Redshift stalls and cachectl is killed",
		refresh: func(c *chaos, t *testing.T) []*process { return c.refreshEach(t) },
		strike:  func(c *chaos, t *testing.T, ps []*process) { c.stall(t, ps, syscall.SIGKILL, -1) },
		repair:  func(c *chaos, t *testing.T) { c.cachectl(t, "refresh", "--all") },
		history: `^abandoned/1 succeeded/1$`, why: "process or connection ended",
	},
	{
		name:    "Postgres crashes",
		strike:  func(c *chaos, t *testing.T, _ []*process) { c.restart(t, true) },
		history: `^(abandoned/\d|failed/\d|succeeded/[23])( failed/\d)*( succeeded/\d)*$`, why: `\w`,
	},
	{
		name:    "Postgres restarts",
		strike:  func(c *chaos, t *testing.T, _ []*process) { c.restart(t, false) },
		history: `^(abandoned/\d|failed/\d|succeeded/[23])( failed/\d)*( succeeded/\d)*$`, why: `\w`,
	},
}

// refreshEach starts a cachectl for each view.
func (c *chaos) refreshEach(t *testing.T) (all []*process) {
	t.Helper()
	for _, v := range chaosViews {
		all = append(all, c.start(t, nil, "cachectl", "refresh", v.name))
	}
	return all
}

// alterEach changes all views in a way that needs no new copy of them.
func (c *chaos) alterEach(t *testing.T, change ...string) {
	t.Helper()
	for _, v := range chaosViews {
		c.cachectl(t, append([]string{"alter-view", v.name}, change...)...)
	}
}

// terminate ends the backends that refresh, as pg_terminate_backend does.
func (c *chaos) terminate(t *testing.T) {
	t.Helper()
	var n int
	err := c.admin.QueryRow(t.Context(), `
		SELECT count(*) FILTER (WHERE pg_terminate_backend(pid))
		FROM pg_locks WHERE locktype = 'advisory' AND classid = 'redcache.view'::regclass`).Scan(&n)
	if err != nil || n != len(chaosViews) {
		t.Fatalf("terminated %d backends, %v", n, err)
	}
}

// stall makes the source silent, sends the refreshes a signal (0 is none), and wants them to end and their locks to go
// while the source is still silent.
func (c *chaos) stall(t *testing.T, refreshing []*process, signal syscall.Signal, want int) {
	t.Helper()
	c.source.Stall(true)
	defer c.source.Stall(false)
	for _, p := range refreshing {
		if err := p.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range refreshing {
		if code := p.wait(t, patience); code != want {
			t.Errorf("exit status %d after %s, want %d", code, signal, want)
		}
	}
	c.wantNoLocks(t)
	c.wantServed(t)
}

// restart stops Postgres, as pg_ctl stop or as kill -9 does, and starts it again.
func (c *chaos) restart(t *testing.T, crash bool) {
	t.Helper()
	c.outages.Add(1)
	if err := c.cache.Halt(crash); err != nil {
		t.Fatal(err)
	}
	if err := c.cache.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.outages.Add(1)
}
