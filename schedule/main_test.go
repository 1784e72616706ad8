package schedule_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/cachetest"
	"github.com/redcache/redcache/internal/logtest"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/refresh"
	"github.com/redcache/redcache/schedule"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// patience is how long a test waits for something that must happen. Only a failing test waits that long.
const patience = time.Minute

// bundle is a cache whose catalog is real and whose refreshes are not.
type bundle struct {
	pool  *pgxpool.Pool
	store catalog.Store
	fake  *fake
	log   *logtest.Log
}

func setup(t testing.TB) *bundle {
	t.Helper()
	pool, err := infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: cachetest.New(t).URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &bundle{pool: pool, store: catalog.In(pool), fake: newFake(), log: &logtest.Log{}}
}

// addLink stores a link and so many views of it, link.v1 and so on, each overdue a second longer than the next.
func (b *bundle) addLink(t testing.TB, name string, views int, overdue string) {
	t.Helper()
	b.exec(t, `
		WITH link AS (
		    INSERT INTO redcache.link (name, host, port, database, username, sslmode, max_concurrency)
		    VALUES ($1, 'redshift.invalid', 5439, 'dev', 'cache', 'require', 50)
		    RETURNING id
		), view AS (
		    INSERT INTO redcache.view (schema_name, view_name)
		    SELECT $1, 'v' || n FROM pg_catalog.generate_series(1, $2::integer) AS n
		    RETURNING id
		), defined AS (
		    INSERT INTO redcache.generation (view_id, number, link_id, state, columns, definition)
		    SELECT view.id, 1, link.id, 'building', '[{"name": "a", "type": "integer"}]',
		        '{"source": {"query": "SELECT 1 AS a"}, "strategy": "nonconcurrent", "refresh_every": 300, "timeout": 60}'
		    FROM link, view
		)
		INSERT INTO redcache.state (view_id, next_due)
		SELECT id, now() - $3::interval + row_number() OVER (ORDER BY id) * interval '1 second'
		FROM view`, name, views, overdue)
}

func (b *bundle) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := b.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// run starts a loop that looks often. The returned function stops it and waits for its end.
func (b *bundle) run(t testing.TB, cfg schedule.Config) (stop func()) {
	t.Helper()
	if cfg.Poll == 0 {
		cfg.Poll = 10 * time.Millisecond
	}
	cfg.Log = slog.New(slog.NewTextHandler(b.log, nil))
	loop, err := schedule.New(b.store, b.fake, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- loop.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Error("the loop did not end")
		}
	})
	t.Cleanup(stop)
	return stop
}

// fake is a Refresher that does what the test says. By default it succeeds at once, and the view stays due.
type fake struct {
	mu     sync.Mutex
	does   map[string]func(ctx context.Context) (catalog.Run, error)
	counts map[string]int
	begun  chan string // the views, in the order in which they begin
}

func newFake() *fake {
	return &fake{
		does:   make(map[string]func(context.Context) (catalog.Run, error)),
		counts: make(map[string]int), begun: make(chan string, 10_000),
	}
}

func (f *fake) Refresh(ctx context.Context, req refresh.Request) (catalog.Run, error) {
	name := req.View.String()
	f.mu.Lock()
	do, known := f.does[name]
	if !known {
		do = f.does[req.View.Schema]
	}
	f.counts[name]++
	f.mu.Unlock()
	f.begun <- name
	if do == nil {
		return ended(catalog.Succeeded), nil
	}
	return do(ctx)
}

// on says what happens when a view, or any view of a schema, is refreshed.
func (f *fake) on(name string, do func(ctx context.Context) (catalog.Run, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.does[name] = do
}

func (f *fake) count(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[name]
}

// await returns the next n views that begin.
func (f *fake) await(t testing.TB, n int) []string {
	t.Helper()
	var names []string
	for len(names) < n {
		select {
		case name := <-f.begun:
			names = append(names, name)
		case <-time.After(patience):
			t.Fatalf("only %d of %d refreshes began: %v", len(names), n, names)
		}
	}
	return names
}

// awaitCount waits until a view has been begun so many times.
func (f *fake) awaitCount(t testing.TB, name string, n int) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for f.count(name) < n {
		if time.Now().After(deadline) {
			t.Fatalf("%s began %d times, want %d", name, f.count(name), n)
		}
		f.await(t, 1)
	}
}

func ended(state catalog.RunState) catalog.Run {
	now := time.Now()
	return catalog.Run{ID: 1, State: state, FinishedAt: &now}
}

// lostRace is a run that was skipped since somebody else was at it.
func lostRace() catalog.Run {
	run, holder := ended(catalog.Skipped), "pid 1"
	run.Holder = &holder
	return run
}

func (b *bundle) awaitLog(t testing.TB, text string) {
	t.Helper()
	await(t, "log has "+text, func() bool { return b.logged(text) > 0 })
}

// logged counts a text in the log.
func (b *bundle) logged(text string) int { return strings.Count(b.log.String(), text) }

// await looks until something is true that only others bring about.
func await(t testing.TB, what string, isTrue func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !isTrue() {
		select {
		case <-deadline:
			t.Fatalf("never came true: %s", what)
		case <-tick.C:
		}
	}
}
