package refresh_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/catalog/migrate"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// bundle is what a test of this package works with: a source, a cache that is linked to it, and the engine.
type bundle struct {
	source  *redshiftsim.Warehouse
	cache   *pgtest.Database
	pool    *pgxpool.Pool
	store   catalog.Store
	link    catalog.Link
	runner  *refresh.Runner
	definer *refresh.Definer
}

func setup(t *testing.T, sourceSQL ...string) *bundle {
	t.Helper()
	b := &bundle{source: redshiftsim.For(t), cache: pgtest.New(t)}
	for _, statement := range sourceSQL {
		b.change(t, statement)
	}
	pool, err := infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: b.cache.URL, MaxConns: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	b.pool, b.store = pool, catalog.In(pool)
	err = b.cache.Admin(t.Context(), b.cache.Name, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrate.Up(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	b.link, err = catalog.ProvisionLink(t.Context(), pool, catalog.Link{
		Name: "dw", Host: b.source.Host(), Port: b.source.Port(), Database: b.source.Name, User: redshiftsim.User,
		SSLMode: "require", MaxConcurrency: 4,
	}, redshiftsim.Password)
	if err != nil {
		t.Fatal(err)
	}
	b.runner = refresh.NewRunner(pool, refresh.Config{Backoff: infra.Backoff{Base: 10 * time.Millisecond, Max: 50 * time.Millisecond}})
	b.definer = refresh.NewDefiner(pool, b.runner)
	return b
}

// change runs a statement on the source, behind the stand-in's back.
func (b *bundle) change(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := b.source.Engine.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// view returns a definition that is ready to be added.
func (b *bundle) view(name, query string, strategy catalog.Strategy) catalog.View {
	return catalog.View{
		Name: catalog.Name{Schema: "bi", View: name}, Link: b.link, Query: query, Strategy: strategy,
		Lookback: "0", Timeout: time.Minute, NulBytes: catalog.StripNul,
	}
}

func TestSmoke(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE public.sales (id bigint, region varchar(20), amount numeric(18,4), updated_at timestamp)`,
		`INSERT INTO public.sales SELECT i, 'r' || i % 7, i / 3.0, timestamp '2026-01-01' + i * interval '1 second' FROM generate_series(1, 1000) i`,
		`GRANT SELECT ON public.sales TO PUBLIC`)
	for _, strategy := range catalog.Strategies {
		v := b.view(string(strategy), "SELECT * FROM public.sales -- all", strategy)
		v.Key = []string{"id"}
		if strategy == catalog.Incremental {
			v.Watermark = "updated_at"
		}
		run, err := b.definer.Add(t.Context(), v, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", run)
		b.change(t, `INSERT INTO public.sales SELECT (SELECT max(id) FROM public.sales) + i, 'x', 1, '2026-02-01' FROM generate_series(1, 10) i`)
		start := time.Now()
		run, err = b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%v %+v read %v ins %v upd %v", time.Since(start), run, *run.RowsRead, *run.RowsInserted, *run.RowsUpdated)
	}
}
