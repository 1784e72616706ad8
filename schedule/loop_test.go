package schedule_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/schedule"
)

func TestLoop_KeepsItsBounds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		views  []int // due, of each link
		allows int   // each link, over all processes
		cfg    schedule.Config
		atOnce int
		ofLink int // at most
	}{
		{"all for the only link", []int{10}, 50, schedule.Config{Concurrency: 5}, 5, 5},
		{"half for one of two links", []int{10, 0}, 50, schedule.Config{Concurrency: 5}, 3, 3},
		{"all for two links", []int{10, 10}, 50, schedule.Config{Concurrency: 5}, 5, 3},
		{"as configured", []int{10, 10, 10}, 50, schedule.Config{Concurrency: 4, PerLink: 1}, 3, 1},
		{"as the links allow", []int{10, 10}, 1, schedule.Config{Concurrency: 4, PerLink: 4}, 2, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			busy, gate := newGauge(), make(chan struct{})
			for i, views := range tt.views {
				link := string(rune('a' + i))
				b.addLink(t, link, views, "1 hour")
				b.fake.on(link, func(context.Context) (catalog.Run, error) {
					defer busy.enter("all", link)()
					<-gate
					return ended(catalog.Succeeded), nil
				})
			}
			b.exec(t, `UPDATE redcache.link SET max_concurrency = $1`, tt.allows)
			var turns atomic.Int64 // each asks for the time
			tt.cfg.Now = func() time.Time { turns.Add(1); return time.Now() }
			stop := b.run(t, tt.cfg)
			b.fake.await(t, tt.atOnce)
			for range 30 { // one ends, and the next one begins
				gate <- struct{}{}
				b.fake.await(t, 1)
			}
			enough := turns.Load() + 10
			await(t, "turns that could start one too many", func() bool { return turns.Load() >= enough })
			close(gate)
			stop()
			if got := busy.most("all"); got != tt.atOnce {
				t.Errorf("%d refreshes at once, want %d", got, tt.atOnce)
			}
			for i := range tt.views {
				if got := busy.most(string(rune('a' + i))); got > tt.ofLink {
					t.Errorf("%d refreshes of link %d at once, want at most %d", got, i, tt.ofLink)
				}
			}
		})
	}
}

// gauge counts what goes on at once.
type gauge struct {
	mu       sync.Mutex
	now, max map[string]int
}

func newGauge() *gauge { return &gauge{now: make(map[string]int), max: make(map[string]int)} }

func (g *gauge) enter(names ...string) (leave func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, name := range names {
		g.now[name]++
		g.max[name] = max(g.max[name], g.now[name])
	}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, name := range names {
			g.now[name]--
		}
	}
}

func (g *gauge) most(name string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.max[name]
}

func TestLoop_RefreshesOthersWhileALinkHangs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addLink(t, "hung", 300, "1 day") // far longer overdue, so first in line
	b.addLink(t, "well", 1, "1 second")
	b.fake.on("hung", untilCancelled)
	b.run(t, schedule.Config{Concurrency: 2, StopGrace: -1})
	b.fake.awaitCount(t, "well.v1", 20)
}

func untilCancelled(ctx context.Context) (catalog.Run, error) {
	<-ctx.Done()
	return ended(catalog.Canceled), context.Cause(ctx)
}

// A view that is still due after its turn would be tried as fast as the loop can turn.
func TestLoop_LetsAViewRest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		do    func(context.Context) (catalog.Run, error)
		lines int // in the log: the runner has logged what is in the history
		text  string
	}{
		{"after a lost race", func(context.Context) (catalog.Run, error) {
			return lostRace(), nil
		}, 0, "not in the history"},
		{"after a failure", func(context.Context) (catalog.Run, error) {
			return ended(catalog.Failed), errors.New("boom")
		}, 0, "not in the history"},
		{"after a failure that nobody recorded", func(context.Context) (catalog.Run, error) {
			return catalog.Run{}, errors.New("boom")
		}, 1, "boom"},
		{"after a panic", func(context.Context) (catalog.Run, error) {
			panic("boom")
		}, 1, "loop_test.go"},
		{"when it was dropped meanwhile", func(context.Context) (catalog.Run, error) {
			return catalog.Run{}, &catalog.NotFoundError{Kind: "view", Name: "bad.v1"}
		}, 0, "not in the history"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.addLink(t, "bad", 1, "1 hour")
			b.addLink(t, "good", 1, "1 hour")
			b.fake.on("bad.v1", tt.do)
			var clock atomic.Int64
			b.run(t, schedule.Config{Concurrency: 2, Now: func() time.Time { return time.Unix(clock.Load(), 0) }})
			b.fake.awaitCount(t, "bad.v1", 1)
			b.fake.awaitCount(t, "good.v1", b.fake.count("good.v1")+50) // as many turns of the loop
			if got := b.fake.count("bad.v1"); got != 1 {
				t.Errorf("began %d times while it should rest", got)
			}
			if got := b.logged(tt.text); got != tt.lines {
				t.Errorf("%q is %d times in the log, want %d", tt.text, got, tt.lines)
			}
			clock.Add(3600)
			b.fake.awaitCount(t, "bad.v1", 2)
		})
	}
}

// Of a source that is not ready the catalog knows when to ask again.
func TestLoop_AsksAgainWhenTheCatalogSays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addLink(t, "a", 1, "1 hour")
	b.fake.on("a.v1", func(context.Context) (catalog.Run, error) { return ended(catalog.Skipped), nil })
	b.run(t, schedule.Config{Now: func() time.Time { return time.Unix(0, 0) }}) // at which no rest ends
	b.fake.awaitCount(t, "a.v1", 3)
}

func TestLoop_OutlivesACatalogThatIsOutOfReach(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addLink(t, "a", 1, "1 hour")
	b.run(t, schedule.Config{Rand: func() float64 { return 0 }})
	b.fake.await(t, 1)
	b.exec(t, `ALTER SCHEMA redcache RENAME TO gone`)
	const lost, found = "cache database is out of reach", "cache database answers again"
	b.awaitLog(t, lost)
	before := b.fake.count("a.v1")
	b.exec(t, `ALTER SCHEMA gone RENAME TO redcache`)
	b.awaitLog(t, found)
	b.fake.awaitCount(t, "a.v1", before+1)
	if lines := b.logged(lost); lines != 1 {
		t.Errorf("the outage is %d times in the log, want once", lines)
	}
}

// The end of a refresh makes the loop look at once, but not into a database that does not answer.
func TestLoop_WaitsOutAnOutage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addLink(t, "a", 3, "1 hour")
	gate := make(chan struct{})
	b.fake.on("a", func(context.Context) (catalog.Run, error) {
		<-gate
		return ended(catalog.Succeeded), nil
	})
	var turns atomic.Int64 // each asks for the time
	stop := b.run(t, schedule.Config{
		Poll: time.Hour,
		Rand: func() float64 { return 0 },
		Now:  func() time.Time { turns.Add(1); return time.Now() },
	})
	b.fake.await(t, 3)
	b.exec(t, `ALTER SCHEMA redcache RENAME TO gone`)
	gate <- struct{}{}
	b.awaitLog(t, "cache database is out of reach")
	b.exec(t, `ALTER SCHEMA gone RENAME TO redcache`)
	before := turns.Load()
	gate <- struct{}{}
	gate <- struct{}{}
	await(t, "another turn", func() bool { return turns.Load() >= before+2 }) // one may have been under way
	close(gate)
	stop()
	if n := b.logged("cache database answers again"); n != 0 {
		t.Error("it looked again before the pause was over")
	}
}

func TestLoop_RunsOnceAtATime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addLink(t, "a", 1, "1 hour")
	loop, err := schedule.New(b.store, b.fake, schedule.Config{Poll: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if !loop.LastTurn().IsZero() {
		t.Error("it turned before it ran")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- loop.Run(ctx) }()
	b.fake.await(t, 1)
	if err := loop.Run(ctx); err == nil {
		t.Error("it ran twice at once")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	if time.Since(loop.LastTurn()) > patience {
		t.Errorf("it last turned at %s", loop.LastTurn())
	}
}

func TestNew_RefusesNegativeNumbers(t *testing.T) {
	t.Parallel()
	for _, cfg := range []schedule.Config{{Concurrency: -1}, {PerLink: -1}, {Poll: -1}} {
		if _, err := schedule.New(catalog.Store{}, newFake(), cfg); err == nil {
			t.Errorf("got no error for %+v", cfg)
		}
	}
}

// A view that is read through no link is refreshed as well.
func TestLoop_RefreshesLocalViews(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addLink(t, "a", 0, "1 hour")
	b.exec(t, `
		WITH view AS (
		    INSERT INTO redcache.view (schema_name, view_name) VALUES ('local', 'v1') RETURNING id
		), defined AS (
		    INSERT INTO redcache.generation (view_id, number, state, columns, definition)
		    SELECT id, 1, 'building', '[]', '{"source": {"kind": "local", "query": "SELECT 1 AS a"}, "refresh_every": 300}' FROM view
		)
		INSERT INTO redcache.state (view_id, next_due) SELECT id, now() FROM view`)
	stop := b.run(t, schedule.Config{Concurrency: 2})
	if got := b.fake.await(t, 1); got[0] != "local.v1" {
		t.Errorf("begun %v", got)
	}
	stop()
}
