package doctor_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/catalog/migrate"
	"github.com/redcache/redcache/doctor"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/cachetest"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// bundle is a cache with a link to a source of its own, and a doctor's configuration for it.
type bundle struct {
	source  *redshiftsim.Warehouse
	cluster *pgtest.Cluster
	name    string // of the cache database
	pool    *pgxpool.Pool
	admin   *pgxpool.Pool
	store   catalog.Store
	link    catalog.Link
	runner  *refresh.Runner
	cfg     doctor.Config
}

// setup makes a cache on the package's server, or on one of the test's own if it has settings.
func setup(t testing.TB, settings ...string) *bundle {
	t.Helper()
	b := onServer(t, settings...)
	b.provision(t, func(*catalog.Link) {})
	return b
}

// onServer makes a cache without a link. Settings are names and values in turn.
func onServer(t testing.TB, settings ...string) *bundle {
	t.Helper()
	b := &bundle{source: redshiftsim.For(t)}
	if settings == nil {
		db := cachetest.New(t)
		b.cluster, b.name = db.Cluster, db.Name
	} else {
		conf := map[string]string{}
		for i := 0; i < len(settings); i += 2 {
			conf[settings[i]] = settings[i+1]
		}
		b.cluster = pgtest.StartFor(t, pgtest.Config{Settings: conf})
		var err error
		if b.name, err = b.cluster.CreateDatabase(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b.change(t, `CREATE TABLE public.sales (id integer, sold_at timestamp, net numeric(12,2));
		INSERT INTO public.sales SELECT n, '2026-01-01'::timestamp + n * interval '1 minute', n FROM generate_series(1, 100) n;
		GRANT SELECT ON public.sales TO PUBLIC`)
	b.admin = pgtest.OpenPool(t, b.cluster.AdminURL(b.name))
	b.connect(t, b.cluster.OwnerURL(b.name))
	if _, err := migrate.Up(t.Context(), b.pool); err != nil {
		t.Fatal(err)
	}
	b.cfg = doctor.Config{
		Now: time.Now, DatabaseHost: "127.0.0.1",
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("10.0.0.7")}, nil
		},
	}
	return b
}

// connect makes the bundle work over a URL.
func (b *bundle) connect(t testing.TB, url string) {
	t.Helper()
	var err error
	b.pool, err = infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: url, MaxConns: doctor.Connections + 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.pool.Close)
	b.store, b.runner = catalog.In(b.pool), refresh.NewRunner(b.pool, refresh.Config{})
}

// provision makes the link dw, after a change to its definition.
func (b *bundle) provision(t testing.TB, alter func(l *catalog.Link)) {
	t.Helper()
	l := catalog.Link{
		Name: "dw", Host: b.source.Host(), Port: b.source.Port(), Database: b.source.Name, User: redshiftsim.User,
		SSLMode: "require", MaxConcurrency: 4,
	}
	alter(&l)
	var err error
	if b.link, err = access.CreateLink(t.Context(), b.pool, l, access.Login{Password: redshiftsim.Password}); err != nil {
		t.Fatal(err)
	}
}

// add adds a view of public.sales, and fills it.
func (b *bundle) add(t testing.TB, name string, alter func(v *catalog.View)) catalog.View {
	t.Helper()
	v := catalog.NewView(catalog.Name{Schema: "bi", View: name}, b.link)
	v.Query, v.Strategy, v.Key = "SELECT * FROM public.sales", catalog.Merge, []string{"id"}
	if alter != nil {
		alter(&v)
	}
	if _, err := refresh.NewDefiner(b.pool, b.runner).Add(t.Context(), v, false, nil); err != nil {
		t.Fatalf("add view %s: %v", name, err)
	}
	v, err := b.store.View(t.Context(), v.Name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (b *bundle) refresh(t testing.TB, v catalog.View) {
	t.Helper()
	if _, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name}); err != nil {
		t.Fatal(err)
	}
}

// change changes the source, exec the cache as its owner, and sudo as a superuser.
func (b *bundle) change(t testing.TB, sql string) { t.Helper(); execute(t, b.source.Engine, sql) }
func (b *bundle) exec(t testing.TB, sql string)   { t.Helper(); execute(t, b.pool, sql) }
func (b *bundle) sudo(t testing.TB, sql string)   { t.Helper(); execute(t, b.admin, sql) }

func execute(t testing.TB, pool *pgxpool.Pool, sql string) {
	t.Helper()
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Conn().PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (b *bundle) examine(t testing.TB) []doctor.Check {
	t.Helper()
	checks, err := doctor.New(b.pool, b.cfg).Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return checks
}

// reconnect has the pool's sessions begin anew, as after a change of a role's settings.
func (b *bundle) reconnect() { b.pool.Reset() }

// wants examines, and wants a check to come out with a result, saying something.
func (b *bundle) wants(t testing.TB, id string, want doctor.Result, saying ...string) doctor.Check {
	t.Helper()
	return wants(t, b.examine(t), id, want, saying...)
}

func wants(t testing.TB, checks []doctor.Check, id string, want doctor.Result, saying ...string) doctor.Check {
	t.Helper()
	var said []string
	for _, c := range checks {
		if c.ID != id {
			continue
		}
		text := fmt.Sprintf("%s: %s: %s (fix: %s)", c.Result, c.About, c.Finding, c.Fix)
		said = append(said, text)
		if c.Result != want {
			continue
		}
		if missing := without(text, saying); missing != "" {
			continue
		}
		if (c.Fix == "") != (c.Result == doctor.OK) && c.Result != doctor.Unknown {
			t.Errorf("%s: result and fix do not go together", text)
		}
		return c
	}
	t.Errorf("%s: no %s that says %q in:\n%s", id, want, saying, strings.Join(said, "\n"))
	return doctor.Check{}
}

func without(text string, parts []string) string {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return part
		}
	}
	return ""
}

// row is the one row of a query, as text.
func row(t testing.TB, pool *pgxpool.Pool, query string) string {
	t.Helper()
	var text string
	if err := pool.QueryRow(t.Context(), `SELECT r::text FROM (`+query+`) r`).Scan(&text); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text
}

// repair does what a check says: its fix begins with a statement.
func (b *bundle) repair(t testing.TB, c doctor.Check) {
	t.Helper()
	statement, _, _ := strings.Cut(c.Fix, ";")
	b.exec(t, statement)
}
