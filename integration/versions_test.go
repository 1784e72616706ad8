package integration_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redcache/redcache/internal/need"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim/tickit"
)

// lifeViews has a view for each strategy and transport, one that is split, and two of a group, of sample data.
var lifeViews = []struct {
	name, query string
	flags       []string
}{
	{
		"bi.revenue", "SELECT eventid, count(*) AS sales, sum(pricepaid) AS revenue FROM tickit.sales GROUP BY eventid",
		[]string{"--strategy", "nonconcurrent"},
	},
	{
		`bi."Users; ünï"`, "SELECT * FROM tickit.users",
		[]string{"--strategy", "concurrent", "--key", "userid", "--index", "state, city", "--grant", "dashboard"},
	},
	{
		"bi.sales", salesQuery,
		[]string{
			"--strategy", "incremental", "--key", "salesid", "--watermark", "updated_at", "--lookback", "1h",
			"--reconcile-every", "0",
		},
	},
	{"bi.swapped", salesQuery, []string{"--strategy", "swap", "--key", "salesid", "--transport", "dblink"}},
	{
		"bi.streamed", salesQuery,
		[]string{"--strategy", "swap", "--transport", "stream", "--split", "salesid", "--sessions", "2"},
	},
	{"bi.merged", salesQuery, []string{"--strategy", "merge", "--key", "salesid", "--transport", "dblink"}},
	{"bi.auto", salesQuery, []string{"--strategy", "auto", "--key", "salesid", "--skip-unchanged", "content"}},
	{"bi.one", salesQuery, []string{"--strategy", "merge", "--key", "salesid", "--transport", "stream", "--group", "books"}},
	{"bi.two", "SELECT count(*) AS n FROM tickit.sales", []string{"--strategy", "swap", "--transport", "stream", "--group", "books"}},
}

const salesQuery = "SELECT * FROM tickit.sales"

// majors are the versions of PostgreSQL that the cache may be.
var majors = []string{"13", "14", "15", "16", "17", "18"}

// One life from init to drop, with the cache on each major version. All but the one that all tests use are in the
// directories that REDCACHE_TEST_PGBIN_ALL lists as on PATH; scripts/postgres/install fetches and prints them.
func TestVersions_OneLifeFromInitToDrop(t *testing.T) {
	t.Parallel()
	servers, err := pgtest.ByMajor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, major := range majors {
		t.Run("PostgreSQL "+major, func(t *testing.T) {
			dir, found := servers[major]
			if !found {
				need.Missing(t, "PostgreSQL "+major+", which is not in REDCACHE_TEST_PGBIN_ALL; see scripts/postgres/install")
			}
			t.Parallel()
			w := newWorld(t, pgtest.Config{BinDir: dir})
			if version := mustLines(t, w.admin, "SHOW server_version"); !strings.HasPrefix(version[0], `"`+major+".") {
				t.Fatalf("cache is PostgreSQL %s, want %s", version, major)
			}
			w.live(t)
		})
	}
}

// live is what an operator does with a cache, from the first view to the last.
func (w *world) live(t *testing.T) {
	t.Helper()
	if err := tickit.Load(t.Context(), built.engine.AdminURL(w.sourceDB), tickit.Options{Sales: 500}); err != nil {
		t.Fatal(err)
	}
	if err := w.cache.Admin(t.Context(), w.cacheDB, "CREATE ROLE dashboard NOLOGIN"); err != nil {
		t.Fatal(err)
	}
	w.cachectl(t, "init") // once more changes nothing
	w.cachectl(t, "link", "test", "dw")
	if got := w.cachectl(t, "query", "dw", "SELECT count(*) AS n FROM tickit.sales"); !strings.Contains(got, "500") {
		t.Errorf("the query through the link says %q", got)
	}
	for _, v := range lifeViews {
		w.cachectl(t, append([]string{"add-view", v.name, "--link", "dw", "--query", v.query, "--every", "1s"}, v.flags...)...)
		w.wantEqual(t, v.name, v.query)
	}
	const dear = "SELECT salesid, pricepaid FROM %s s WHERE s.pricepaid > 100"
	w.cachectl(t, "add-view", "bi.dear", "--source", "cache", "--strategy", "live", "--query", fmt.Sprintf(dear, "bi.swapped"))
	w.cachectl(t, "add-view", "bi.dearer", "--source", "cache", "--strategy", "swap", "--query", "SELECT * FROM bi.dear d", "--every", "1s")
	for range 2 {
		if _, err := tickit.Change(t.Context(), w.engine, 100); err != nil {
			t.Fatal(err)
		}
		w.cachectl(t, "refresh", "--all", "--full")
	}
	for _, v := range lifeViews {
		w.wantEqual(t, v.name, v.query)
	}
	w.wantEqual(t, "bi.dear", fmt.Sprintf(dear, "tickit.sales"))
	w.wantEqual(t, "bi.dearer", fmt.Sprintf(dear, "tickit.sales"))
	w.workAWhile(t)
	for _, args := range [][]string{
		{"list"},
		{"status", "bi.sales"},
		{"runs", "bi.sales"},
		{"locks"},
		{"alter-view", "bi.revenue", "--every", "0", "--max-age", "1h"},
		{"alter-view", "bi.sales", "--strategy", "concurrent"},
		{"drop-view", "bi.dearer"},
		{"alter-view", "bi.swapped", "--query", "SELECT pricepaid, salesid FROM tickit.sales"}, // it is made anew, and what is made over it
	} {
		w.cachectl(t, args...)
	}
	w.cachectl(t, "refresh", "--all")
	w.wantEqual(t, "bi.sales", salesQuery)
	w.wantEqual(t, "bi.dear", fmt.Sprintf(dear, "tickit.sales"))
	w.wantNothingLeft(t)
	w.cachectl(t, "drop-view", "bi.dear")
	for _, v := range lifeViews {
		w.cachectl(t, "drop-view", v.name)
	}
	w.cachectl(t, "link", "remove", "dw")
	w.wantNothingKept(t)
}

// workAWhile lets a worker refresh all views.
func (w *world) workAWhile(t *testing.T) {
	t.Helper()
	const working = `SELECT DISTINCT view_id FROM redcache.run WHERE origin = 'worker' AND state IN ('succeeded', 'unchanged')`
	worker := w.worker(t)
	eventually(t, patience, func() error { return w.wantCount(t, working, len(lifeViews)) })
	worker.stop(t)
}

// wantNothingKept wants no trace of views and links, in the catalog or beside it.
func (w *world) wantNothingKept(t *testing.T) {
	t.Helper()
	for _, query := range []string{
		"SELECT id FROM redcache.view", "SELECT id FROM redcache.run", "SELECT view_id FROM redcache.state",
		"SELECT view_id FROM redcache.generation", "SELECT id FROM redcache.link",
		"SELECT srvname FROM pg_foreign_server", "SELECT umid FROM pg_user_mappings",
		"SELECT relname FROM pg_class WHERE relnamespace IN ('redcache_data'::regnamespace, 'bi'::regnamespace)",
	} {
		if err := w.wantCount(t, query, 0); err != nil {
			t.Error(err)
		}
	}
}
