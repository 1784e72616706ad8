package integration_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// The login of the link. The password has what quoting can get wrong, on both sides and in URLs, between two parts that
// no quoting changes, so that they are found wherever they show.
const (
	login        = "cache_ro"
	passwordHead = "Zq7NobodyMaySee"
	passwordTail = "NorThisKx4"
	password     = passwordHead + `\x'k"p$w%40 @/:` + passwordTail
)

// world is a source, a cache that is linked to it, and what the programs need to know of both.
type world struct {
	source   *redshiftsim.Server
	sourceDB string
	engine   *pgxpool.Pool // superuser; changes the source behind the stand-in's back

	cache    *pgtest.Cluster
	cacheDB  string
	cacheURL string        // as the ordinary role; a restart does not change it
	pool     *pgxpool.Pool // as the ordinary role that the programs run as
	admin    *pgxpool.Pool // superuser; looks, and breaks things

	env []string // for every process, beside what all worlds give

	mu        sync.Mutex
	processes []*process // all that were started

	outages atomic.Int64 // moments at which the cache went down or came up; odd while it is down
}

// newWorld makes a world with link dw. The cache is a server of the test's own.
func newWorld(t *testing.T, cfg pgtest.Config, sourceSQL ...string) *world {
	t.Helper()
	w := unlinkedWorld(t, cfg, sourceSQL...)
	w.cachectl(t, "init")
	w.cachectl(t, w.linkAdd("dw")...)
	return w
}

// unlinkedWorld makes a world whose cache has not seen the product yet.
func unlinkedWorld(t *testing.T, cfg pgtest.Config, sourceSQL ...string) *world {
	t.Helper()
	w := &world{}
	w.startSource(t, sourceSQL)
	w.cache = pgtest.StartFor(t, cfg)
	var err error
	if w.cacheDB, err = w.cache.CreateDatabase(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.cacheURL = w.cache.OwnerURL(w.cacheDB)
	w.pool = pgtest.OpenPool(t, w.cacheURL)
	w.admin = pgtest.OpenPool(t, w.cache.AdminURL(w.cacheDB))
	w.wantOrdinaryRoles(t)
	return w
}

func (w *world) startSource(t *testing.T, sourceSQL []string) {
	t.Helper()
	var err error
	if w.sourceDB, err = built.engine.CreateDatabaseFrom(t.Context(), redshiftsim.Engine); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			built.engine.Keep()
			return
		}
		if err := built.engine.DropDatabase(context.Background(), w.sourceDB); err != nil {
			t.Errorf("drop the source: %v", err)
		}
	})
	url := built.engine.AdminURL(w.sourceDB)
	w.engine = pgtest.OpenPool(t, url)
	for _, sql := range sourceSQL {
		w.change(t, sql)
	}
	w.source = redshiftsim.StartFor(t, redshiftsim.Config{EngineURL: url, Users: map[string]string{login: password}})
}

// change runs a statement on the source.
func (w *world) change(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := w.engine.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("source: %s: %v", sql, err)
	}
}

// linkAdd is the command that adds a link to the source.
func (w *world) linkAdd(name string) []string {
	return []string{
		"link", "add", name, "--host", w.source.Host(), "--port", strconv.Itoa(w.source.Port()),
		"--database", w.sourceDB, "--user", login, "--password-env", "DW_PASSWORD",
		"--max-concurrency", "8",
	}
}

// environ is what the programs get: what this process has, without anything that speaks to them or to libpq.
func (w *world) environ(more ...string) []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "REDCACHE_") && !strings.HasPrefix(entry, "PG") {
			env = append(env, entry)
		}
	}
	env = append(env, "DATABASE_URL="+w.cacheURL, "DW_PASSWORD="+password)
	env = append(env, w.env...)
	return append(env, more...)
}

// wantOrdinaryRoles proves that neither the role the programs run as nor the login of the link is a superuser, or can
// become one.
func (w *world) wantOrdinaryRoles(t *testing.T) {
	t.Helper()
	const powers = `
		SELECT count(DISTINCT r.oid), count(*) FILTER (
			WHERE power.rolsuper OR power.rolcreaterole OR power.rolreplication OR power.rolbypassrls)
		FROM pg_roles r
		JOIN pg_roles power ON pg_has_role(r.oid, power.oid, 'MEMBER')
		WHERE r.rolname = $1`
	for _, side := range []struct {
		db   *pgxpool.Pool
		role string
	}{{w.admin, pgtest.Owner}, {w.engine, login}} {
		var roles, powerful int
		err := side.db.QueryRow(t.Context(), powers, side.role).Scan(&roles, &powerful)
		if err != nil || roles != 1 || powerful != 0 {
			t.Fatalf("role %s: %d roles of that name, %d powers of a superuser, %v", side.role, roles, powerful, err)
		}
	}
	var super string
	err := w.pool.QueryRow(t.Context(), `SELECT current_setting('is_superuser')`).Scan(&super)
	if err != nil || super != "off" {
		t.Fatalf("is_superuser is %q, %v", super, err)
	}
}
