package refresh_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/cachetest"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

func TestMain(m *testing.M) {
	flag.Parse()
	addRewrite()
	checks := flag.Lookup("rapid.checks")
	if checks.Value.String() == checks.DefValue {
		_ = checks.Value.Set("20") // each check is a history of dozens of statements on two servers
	}
	parallel := flag.Lookup("test.parallel")
	if parallel.Value.String() == parallel.DefValue {
		_ = parallel.Value.Set("6") // most tests wait for servers, or for the time that patience takes
	}
	pgtest.Main(m)
}

// bundle is what a test of this package works with: a source, a cache that is linked to it, and the engine.
type bundle struct {
	source  *redshiftsim.Warehouse
	cache   *pgtest.Database
	pool    *pgxpool.Pool
	readers *pgxpool.Pool // as the application that the views are granted to
	store   catalog.Store
	link    catalog.Link
	runner  *refresh.Runner
	definer *refresh.Definer
}

// quick makes retries cost no time.
var quick = infra.Backoff{Base: 10 * time.Millisecond, Max: 50 * time.Millisecond}

func setup(t testing.TB, sourceSQL ...string) *bundle {
	t.Helper()
	return setupIn(t, cachetest.New(t), sourceSQL...)
}

// setupIn makes a bundle whose cache is a given database with a catalog.
func setupIn(t testing.TB, cache *pgtest.Database, sourceSQL ...string) *bundle {
	t.Helper()
	b := &bundle{source: redshiftsim.For(t), cache: cache}
	b.change(t, "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC")
	for _, statement := range sourceSQL {
		b.change(t, statement)
	}
	var err error
	b.pool, err = infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: b.cache.URL, MaxConns: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.pool.Close)
	b.readers = b.cache.ReaderPool(t)
	b.store = catalog.In(b.pool)
	b.link, err = access.CreateLink(t.Context(), b.pool, catalog.Link{
		Name: "dw", Host: b.source.Host(), Port: b.source.Port(), Database: b.source.Name, User: redshiftsim.User,
		SSLMode: "require", MaxConcurrency: 4,
	}, access.Login{Password: redshiftsim.Password})
	if err != nil {
		t.Fatal(err)
	}
	b.runner = refresh.NewRunner(b.pool, refresh.Config{Backoff: quick})
	b.definer = refresh.NewDefiner(b.pool, b.runner)
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
	v := catalog.NewView(catalog.Name{Schema: "bi", View: name}, b.link)
	v.Query, v.Strategy, v.Timeout = query, strategy, time.Minute
	v.Grantees = []string{pgtest.Reader}
	return v
}

// add adds a view and fills it.
func (b *bundle) add(t testing.TB, v catalog.View) catalog.Run {
	t.Helper()
	run, err := b.definer.Add(t.Context(), v, false, nil)
	if err != nil {
		t.Fatalf("add view %s: %v\nhint: %s", v.Name, err, infra.Hint(err))
	}
	if run.Note != "" {
		t.Fatalf("add view %s: %s", v.Name, run.Note)
	}
	return run
}

// refresh refreshes a view and expects it to succeed.
func (b *bundle) refresh(t testing.TB, req refresh.Request) catalog.Run {
	t.Helper()
	run, err := b.runner.Refresh(t.Context(), req)
	if err != nil {
		t.Fatalf("refresh view %s: %v", req.View, err)
	}
	if run.State != catalog.Succeeded {
		t.Fatalf("refresh view %s: %s", req.View, run.State)
	}
	return run
}

// rows returns the rows of a query as sorted lines of text.
func rows(t testing.TB, pool *pgxpool.Pool, query string) []string {
	t.Helper()
	lines, err := tryRows(t.Context(), pool, query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return lines
}

func tryRows(ctx context.Context, pool *pgxpool.Pool, query string) ([]string, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	results, err := conn.Conn().PgConn().Exec(ctx, "SET timezone = 'UTC'; "+query).ReadAll()
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, row := range results[len(results)-1].Rows {
		var line strings.Builder
		for _, value := range row {
			if value == nil {
				line.WriteString("NULL ")
			} else {
				fmt.Fprintf(&line, "%q ", value)
			}
		}
		lines = append(lines, line.String())
	}
	slices.Sort(lines)
	return lines, nil
}

// wantEqual holds a cached view against its query.
func (b *bundle) wantEqual(t testing.TB, v catalog.View) {
	t.Helper()
	b.wantRows(t, v, rows(t, b.source.Engine, v.Query))
}

func (b *bundle) wantRows(t testing.TB, v catalog.View, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, rows(t, b.readers, "SELECT * FROM "+v.Name.SQL())); diff != "" {
		t.Errorf("view %s (-source +cache):\n%s", v.Name, diff)
	}
}

// wantNothingLeft checks that no refresh has left anything behind: locks, transactions, sessions on either side,
// relations that readers do not see.
func (b *bundle) wantNothingLeft(t testing.TB) {
	t.Helper()
	for what, query := range map[string]string{
		"advisory locks": `SELECT pid::text FROM pg_locks WHERE locktype = 'advisory'
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
		"open transactions": `SELECT query FROM pg_stat_activity
			WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
		"temporary relations": `SELECT relname::text FROM pg_class WHERE relpersistence = 't'`,
		"unseen generations": `SELECT c.relname::text FROM pg_class c
			WHERE c.relnamespace = 'redcache_data'::regnamespace AND c.relkind IN ('r', 'm', 'v')
			AND c.relname NOT IN (SELECT 'v' || view_id || '_g' || generation FROM redcache.copy WHERE generation IS NOT NULL)`,
		"running runs": `SELECT id::text FROM redcache.run WHERE state = 'running'`,
	} {
		eventually(t, func() error {
			if left := rows(t, b.pool, query); len(left) > 0 {
				return fmt.Errorf("left behind: %s: %v", what, left)
			}
			return nil
		})
	}
	eventually(t, func() error {
		if n := b.source.Sessions(); n > 0 {
			return fmt.Errorf("left behind: %d sessions on the source", n)
		}
		return nil
	})
}

// eventually asks until check is content, for at most half a minute.
func eventually(t testing.TB, check func() error) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Error(err)
			return
		case <-tick.C:
		}
	}
}

// lookBack has an incremental view read again so much below its watermark.
func lookBack(v *catalog.View, amount string) {
	if v.Strategy == catalog.Incremental {
		v.Lookback = amount
	}
}
