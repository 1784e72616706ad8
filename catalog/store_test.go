package catalog_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/catalog/migrate"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func newPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: pgtest.New(t).URL, MaxConns: 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// newCatalog returns the store of a fresh catalog that has one link.
func newCatalog(t *testing.T) (catalog.Store, *pgxpool.Pool, catalog.Link) {
	t.Helper()
	pool := newPool(t)
	if _, err := migrate.Up(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	store := catalog.In(pool)
	link, err := store.AddLink(t.Context(), catalog.Link{
		Name: "dw", Host: "warehouse.example", Port: 5439, Database: "dev", User: "cache_ro", SSLMode: "require",
		MaxConcurrency: 4,
	})
	if err != nil {
		t.Fatal(err)
	}
	return store, pool, link
}

func TestMigrate_TwoAtOnceAndAgain(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	if pending, err := migrate.Pending(t.Context(), pool); err != nil || len(pending) == 0 {
		t.Fatalf("before: pending %d, %v", len(pending), err)
	}
	const several = 4
	var wait sync.WaitGroup
	applied, failures := make([]int, several), make([]error, several)
	for i := range several {
		wait.Go(func() {
			done, err := migrate.Up(t.Context(), pool)
			applied[i], failures[i] = len(done), err
		})
	}
	wait.Wait()
	total := 0
	for i := range several {
		if failures[i] != nil {
			t.Errorf("migration %d: %v", i, failures[i])
		}
		total += applied[i]
	}
	version, err := migrate.Version(t.Context(), pool)
	if err != nil || int64(total) != version {
		t.Errorf("%d migrations applied in all, version %d, %v", total, version, err)
	}
	if pending, err := migrate.Pending(t.Context(), pool); err != nil || len(pending) != 0 {
		t.Errorf("after: pending %v, %v", pending, err)
	}
	if err := catalog.In(pool).Ready(t.Context()); err != nil {
		t.Errorf("after: %v", err)
	}
}

func TestStore_ReadyNamesTheCommand(t *testing.T) {
	t.Parallel()
	err := catalog.In(newPool(t)).Ready(t.Context())
	if !errors.Is(err, catalog.ErrNotReady) || infra.Hint(err) != "Run `cachectl init`." {
		t.Errorf("got %v, hint %q", err, infra.Hint(err))
	}
}

func TestMigrations_CommentEveryTable(t *testing.T) {
	t.Parallel()
	_, pool, _ := newCatalog(t)
	var bare []string
	err := pool.QueryRow(t.Context(), `
		SELECT coalesce(array_agg(c.relname::text), '{}') FROM pg_class c
		WHERE c.relnamespace = 'redcache'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname <> 'schema_version'
		  AND obj_description(c.oid, 'pg_class') IS NULL`).Scan(&bare)
	if err != nil {
		t.Fatal(err)
	}
	if len(bare) > 0 {
		t.Errorf("without comment: %v", bare)
	}
}

func TestStore_LinksAndViewsComeBackAsTheyWent(t *testing.T) {
	t.Parallel()
	store, _, link := newCatalog(t)
	if _, err := store.AddLink(t.Context(), link); !errors.As(err, new(*catalog.ExistsError)) {
		t.Errorf("second link of a name: %v", err)
	}
	want := sales()
	want.Link, want.Key, want.Indexes, want.Grantees = link, []string{"id"}, []string{"region, at DESC"}, []string{"app"}
	want.RefreshEvery, want.MaxAge, want.SafetyLag = 5*time.Minute, 36*time.Hour, 1500*time.Millisecond
	want.NulBytes = catalog.StripNul
	added, err := store.AddView(t.Context(), want, 0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := store.View(t.Context(), want.Name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(added, got); diff != "" {
		t.Errorf("added and read differ:\n%s", diff)
	}
	if _, err := store.AddView(t.Context(), want, 0); !errors.As(err, new(*catalog.ExistsError)) {
		t.Errorf("second view of a name: %v", err)
	}
	if err := store.RemoveLink(t.Context(), link); !errors.As(err, new(*catalog.InUseError)) {
		t.Errorf("removing a link in use: %v", err)
	}
	_, err = store.View(t.Context(), catalog.Name{Schema: "bi", View: "sale"})
	var missing *catalog.NotFoundError
	if !errors.As(err, &missing) || missing.Near != "bi.sales" {
		t.Errorf("a view that is not there: %v, near %q", err, missing.Near)
	}
}

// added returns a view that is in the catalog and refreshed every hour.
func added(t *testing.T, store catalog.Store, link catalog.Link) catalog.View {
	t.Helper()
	v := sales()
	v.Link, v.NulBytes, v.RefreshEvery, v.MaxAge = link, catalog.StripNul, time.Hour, 2*time.Hour
	v, err := store.AddView(t.Context(), v, 0)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func start(t *testing.T, store catalog.Store, v catalog.View) catalog.RunKey {
	t.Helper()
	id, err := store.StartRun(t.Context(), v, v.Strategy, true, "test", 1, false)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestStore_RunsMoveThroughTheirStates(t *testing.T) {
	t.Parallel()
	store, pool, link := newCatalog(t)
	v := added(t, store, link)
	lost := start(t, store, v)
	good := start(t, store, v)
	if run, err := store.Run(t.Context(), lost); err != nil || run.State != catalog.Abandoned {
		t.Errorf("a run whose successor has begun: %s, %v; want abandoned", run.State, err)
	}
	asOf, mark := time.Now().Add(-time.Minute).Truncate(time.Microsecond), "2026-01-01 00:00:00"
	outcome := catalog.Outcome{
		AsOf: asOf, Whole: true, RowsRead: 7, RowsInserted: 7, RowCount: 7, Watermark: &mark, Strategy: v.Strategy,
		Generation: 1, Published: true, Attempts: 1, Transport: catalog.DblinkTransport,
	}
	if _, err := store.FinishRun(t.Context(), good, outcome); err != nil {
		t.Fatal(err)
	}
	if _, err := store.FinishRun(t.Context(), lost, outcome); !errors.Is(err, catalog.ErrRunOver) {
		t.Errorf("finishing an abandoned run: %v", err)
	}
	_, state, err := store.ViewAndState(t.Context(), v.Name)
	if err != nil {
		t.Fatal(err)
	}
	if *state.Generation != 1 || !state.AsOf.Equal(asOf) || *state.RowCount != 7 || *state.Watermark != mark {
		t.Errorf("state after success: %+v", state)
	}
	var stale bool
	var name, last string
	const freshness = `SELECT view, stale, last_state FROM redcache.freshness`
	if err := pool.QueryRow(t.Context(), freshness).Scan(&name, &stale, &last); err != nil {
		t.Fatal(err)
	}
	if name != "bi.sales" || stale || last != "succeeded" {
		t.Errorf("freshness says %s, stale %v, %s", name, stale, last)
	}
}

// Where rows of runs were left behind, the newest is the one that is under way.
func TestStatus_ShowsTheNewestRunThatIsUnderWay(t *testing.T) {
	t.Parallel()
	store, pool, link := newCatalog(t)
	v := added(t, store, link)
	if _, err := pool.Exec(t.Context(), `INSERT INTO redcache.run (view_id, generation, strategy, origin, state)
		SELECT $1, 1, 'swap', origin, 'running' FROM unnest(ARRAY['first', 'second', 'third']) WITH ORDINALITY o (origin, n) ORDER BY n`, v.ID); err != nil {
		t.Fatal(err)
	}
	all, err := store.Status(t.Context())
	if err != nil || len(all) != 1 || all[0].Running == nil || all[0].Running.Origin != "third" {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestStore_FailedRunsComeBackEverLater(t *testing.T) {
	t.Parallel()
	store, pool, link := newCatalog(t)
	v := added(t, store, link)
	if due, err := store.Due(t.Context(), nil, 10); err != nil || len(due) != 1 || due[0].ViewID != v.ID {
		t.Fatalf("a new view on a schedule: due %v, %v", due, err)
	}
	var before time.Duration
	for n := range 10 {
		if err := store.FailRun(t.Context(), start(t, store, v), catalog.Failed,
			infra.Hinted(errors.New("down"), "wait"), 1, false); err != nil {
			t.Fatal(err)
		}
		var pause time.Duration
		const next = `SELECT next_due - clock_timestamp() FROM redcache.state`
		if err := pool.QueryRow(t.Context(), next).Scan(&pause); err != nil {
			t.Fatal(err)
		}
		if pause < before-time.Second || pause > time.Hour {
			t.Errorf("after failure %d: due again in %s, before it was %s", n+1, pause, before)
		}
		before = pause
	}
	if before < 59*time.Minute {
		t.Errorf("after ten failures: due in %s, want its schedule", before)
	}
	if due, err := store.Due(t.Context(), nil, 10); err != nil || len(due) != 0 {
		t.Errorf("due %v, %v, want nothing", due, err)
	}
}

func TestStore_PruneKeepsTheNewest(t *testing.T) {
	t.Parallel()
	store, _, link := newCatalog(t)
	v := added(t, store, link)
	failed := start(t, store, v)
	if err := store.FailRun(t.Context(), failed, catalog.Failed, errors.New("down"), 1, false); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := store.SkipRun(t.Context(), v, v.Strategy, "test", "pid 1"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.Tidy(t.Context(), v, 3); err != nil {
		t.Fatal(err)
	}
	runs, err := store.Runs(t.Context(), &v.ID, 100)
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 4 || runs[3].ID != failed.ID {
		t.Errorf("got %d runs, want the newest three and the last that was not skipped", len(runs))
	}
}

// A local definition is stored and comes back; a link that only an old generation was read through can go.
func TestStore_KeepsALocalDefinitionWithoutALink(t *testing.T) {
	t.Parallel()
	store, pool, link := newCatalog(t)
	v := catalog.View{Name: catalog.Name{Schema: "bi", View: "local"}, Definition: catalog.Defaults(), Columns: []catalog.Column{{Name: "a", Local: "integer"}}}
	v.Kind, v.Query, v.Strategy, v.MaxAge = catalog.LocalSource, "SELECT 1 AS a", catalog.Swap, time.Hour
	v, err := store.AddView(t.Context(), v, 0)
	if err != nil {
		t.Fatal(err)
	}
	read, err := store.View(t.Context(), v.Name)
	if err != nil || !read.Definition.Equal(v.Definition) || read.Link != (catalog.Link{}) || read.Columns[0].Local != "integer" {
		t.Errorf("%+v, %v", read, err)
	}
	if all, err := store.Status(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := pool.Exec(t.Context(), `INSERT INTO redcache.generation (view_id, number, link_id, state, columns, definition)
		VALUES ($1, 2, $2, 'retired', '[]', '{}')`, v.ID, link.ID); err != nil {
		t.Fatal(err)
	}
	if err := store.RemoveLink(t.Context(), link); err != nil {
		t.Error(err)
	}
}

func TestStore_RefusesValuesThatNobodyCouldRead(t *testing.T) {
	t.Parallel()
	_, pool, link := newCatalog(t)
	v := catalog.NewView(catalog.Name{Schema: "bi", View: "v"}, link)
	v.Query, v.Columns, v.Strategy = "SELECT 1 AS a", []catalog.Column{{Name: "a", Type: "integer"}}, catalog.Nonconcurrent
	if _, err := catalog.In(pool).AddView(t.Context(), v, 0); err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{
		`UPDATE redcache.generation SET definition = definition || '{"key": ["id", null]}'`,
		`UPDATE redcache.generation SET definition = definition || '{"indexes": [null]}'`,
		`UPDATE redcache.generation SET definition = definition || '{"grantees": [null]}'`, `UPDATE redcache.state SET published = '[1]'`,
	} {
		if _, err := pool.Exec(t.Context(), change); err == nil {
			t.Errorf("%s: it was taken", change)
		}
	}
}
