package integration_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/internal/pgtest"
)

// hostileSettings are unlike what the programs' statements are written for, all of them at once. A role may set all of
// them, for itself or its database.
var hostileSettings = map[string]string{
	"search_path": "evil, public, pg_catalog", "client_encoding": "LATIN1",
	"datestyle": "German", "intervalstyle": "sql_standard", "timezone": "Asia/Kolkata", "timezone_abbreviations": "Australia",
	"extra_float_digits": "-15", "bytea_output": "escape", "array_nulls": "off", "standard_conforming_strings": "off",
	"backslash_quote": "off", "escape_string_warning": "off", "transform_null_equals": "on", "quote_all_identifiers": "on",
	"row_security": "off", "check_function_bodies": "off", "xmloption": "document", "client_min_messages": "debug1",
	"exit_on_error": "on", "restrict_nonsystem_relation_kind": "view",
	"default_transaction_isolation": "serializable", "default_transaction_read_only": "on",
	"default_transaction_deferrable": "on", "lock_timeout": "1ms", "idle_in_transaction_session_timeout": "1ms",
	"idle_session_timeout": "500ms", "statement_timeout": "5s", "transaction_timeout": "5s",
	"synchronous_commit": "off", "plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "enable_hashjoin": "off",
	"gin_fuzzy_search_limit": "1", "work_mem": "64kB", "constraint_exclusion": "on", "synchronize_seqscans": "on",
}

// superSettings are those that only a superuser may set, for others too.
var superSettings = map[string]string{"session_replication_role": "replica", "lo_compat_privileges": "on"}

// single are settings that could hide behind the others.
var single = map[string]string{
	"client_encoding": "SJIS", "datestyle": "SQL, DMY", "intervalstyle": "iso_8601", "timezone": "America/St_Johns",
	"extra_float_digits": "0", "default_transaction_read_only": "on", "default_transaction_isolation": "repeatable read",
	"quote_all_identifiers": "on", "standard_conforming_strings": "off", "search_path": "evil, pg_catalog",
	"row_security": "off", "transform_null_equals": "on", "session_replication_role": "replica", "lock_timeout": "1ms",
}

// hostileSource has what settings could change on its way: texts of several scripts, dates that read either way,
// numbers with many digits, and words that are not NULL.
const hostileSource = `CREATE TABLE public.item AS SELECT id, 0 AS batch,
	(ARRAY['Zürich', '北京', 'a\b''c"d', 'NULL', '', 'Ωmega €'])[1 + id % 6]::varchar(20) AS name,
	CASE WHEN id % 5 > 0 THEN 'x' END::varchar(3) AS code,
	date '2024-02-01' + id AS day, timestamp '2024-03-04 05:06:07.123456' + id * interval '1 hour' AS at,
	timestamptz '2024-05-06 07:08:09+00' + id * interval '1 day' AS tz,
	(1 / (id + 0.7))::real AS r, 1 / (id + 0.3)::float8 AS f, (id / 7.0)::numeric(18, 6) AS n, id % 2 = 0 AS b
	FROM generate_series(1, 60) id`

const hostileQuery = `SELECT id, batch, name, code, day, at, tz, r, f, n, b FROM public.item WHERE name <> 'ß\\'`

// hostileWorld makes a world whose cache has a setting for everything, and readers who have none. The link and its
// views are still to be made.
func hostileWorld(t *testing.T, server map[string]string) (w *world, reader *pgxpool.Pool) {
	t.Helper()
	settings := map[string]string{"shared_preload_libraries": "'pg_stat_statements'"}
	maps.Copy(settings, server)
	extensions := []string{"dblink", "postgres_fdw", "pg_stat_statements"}
	w = unlinkedWorld(t, pgtest.Config{Settings: settings, Extensions: extensions}, hostileSource)
	w.asAdmin(t, "CREATE ROLE dashboard LOGIN PASSWORD 'dashboard'", "CREATE SCHEMA IF NOT EXISTS evil",
		"GRANT USAGE ON SCHEMA evil TO PUBLIC")
	calm := "&client_encoding=UTF8&datestyle=ISO&intervalstyle=postgres&timezone=UTC&extra_float_digits=1&search_path=public" +
		"&default_transaction_read_only=off&idle_session_timeout=0&lock_timeout=0&standard_conforming_strings=on" +
		"&transform_null_equals=off&quote_all_identifiers=off&default_transaction_isolation=read%20committed&statement_timeout=0" +
		"&restrict_nonsystem_relation_kind=&jit=off"
	if !w.knows(t, "idle_session_timeout") {
		calm = strings.ReplaceAll(calm, "&idle_session_timeout=0", "")
	}
	if !w.knows(t, "restrict_nonsystem_relation_kind") {
		calm = strings.ReplaceAll(calm, "&restrict_nonsystem_relation_kind=", "")
	}
	w.pool = pgtest.OpenPool(t, w.cache.OwnerURL(w.cacheDB)+calm)
	w.admin = pgtest.OpenPool(t, w.cache.AdminURL(w.cacheDB)+calm)
	return w, pgtest.OpenPool(t, w.cache.URL(w.cacheDB, "dashboard", "dashboard")+calm)
}

func (w *world) asAdmin(t testing.TB, statements ...string) {
	t.Helper()
	if err := w.cache.Admin(t.Context(), w.cacheDB, statements...); err != nil {
		t.Fatal(err)
	}
}

func (w *world) knows(t testing.TB, setting string) (known bool) {
	t.Helper()
	err := w.admin.QueryRow(t.Context(), `SELECT current_setting($1, true) IS NOT NULL`, setting).Scan(&known)
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// hostileTo sets settings for whom a statement names, as far as the server knows them.
func (w *world) hostileTo(t testing.TB, alter string, settings ...map[string]string) {
	t.Helper()
	var statements []string // over one connection, which none of them changes any more
	for _, all := range settings {
		for name, value := range all {
			if w.knows(t, name) {
				statements = append(statements, fmt.Sprintf("%s SET %s TO %s", alter, name, setTo(name, value)))
			}
		}
	}
	w.asAdmin(t, statements...)
}

// setTo writes a value for SET: search_path is a list of names.
func setTo(name, value string) string {
	if name == "search_path" {
		return value
	}
	return "'" + value + "'"
}

// serverSettings are the hostile ones as they stand in a server's file, but those that would hinder the test's own
// start of it.
func serverSettings() map[string]string {
	settings := map[string]string{}
	for name, value := range hostileSettings {
		if name != "transaction_timeout" && name != "restrict_nonsystem_relation_kind" && name != "exit_on_error" &&
			!strings.HasPrefix(name, "default_transaction_") { // the set-up writes, and the server may lack some
			settings[name] = "'" + value + "'"
		}
	}
	if version, err := pgtest.BinDir(); err == nil && strings.Contains(version, "/13/") {
		delete(settings, "idle_session_timeout")
	}
	return settings
}

// Whatever server, database or role say, every strategy and transport lives its whole life, through a pooler or not,
// and ends equal to its source.
func TestHostileSettings_ChangeNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		server map[string]string
		spoil  func(t *testing.T, w *world)
	}{
		{"role", nil, func(t *testing.T, w *world) {
			t.Helper()
			w.hostileTo(t, "ALTER ROLE "+pgtest.Owner, hostileSettings, superSettings)
		}},
		{"database through a pooler", nil, func(t *testing.T, w *world) {
			t.Helper()
			w.hostileTo(t, "ALTER DATABASE "+w.cacheDB, hostileSettings, superSettings)
			w.cacheURL = pgtest.PoolerFor(t, w.cache, pgtest.PoolerConfig{}).OwnerURL(w.cacheDB)
		}},
		{"server", serverSettings(), func(*testing.T, *world) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, reader := hostileWorld(t, tt.server)
			tt.spoil(t, w)
			w.liveThrough(t, reader)
		})
	}
}

// liveThrough is the whole life of all views of [pooledViews], with every command that there is.
func (w *world) liveThrough(t *testing.T, reader *pgxpool.Pool) {
	t.Helper()
	w.cachectl(t, "init", "--dry-run")
	w.cachectl(t, "init")
	w.cachectl(t, w.linkAdd("dw")...)
	w.cachectl(t, "link", "test", "dw")
	views := slices.Sorted(maps.Keys(pooledViews))
	for _, view := range views {
		w.cachectl(t, append([]string{
			"add-view", view, "--link", "dw", "--query", hostileQuery, "--index", "name", "--grant", "dashboard",
		}, pooledViews[view]...)...)
	}
	w.wantSame(t, reader)
	w.change(t, `UPDATE public.item SET batch = batch + 1, name = 'Größe ' || id WHERE id % 3 = 0`)
	w.change(t, `INSERT INTO public.item SELECT id + 1000, 1, 'neu ß', code, day, at, tz, r, f, n, b FROM public.item WHERE id < 9`)
	if got := w.cachectl(t, "refresh", "--all"); strings.Contains(got, "no views") {
		t.Errorf("refresh --all: %s", got)
	}
	w.wantSame(t, reader)
	w.change(t, `DELETE FROM public.item WHERE id = 7`)
	w.change(t, `UPDATE public.item SET batch = batch + 1, at = at + interval '1 month' WHERE id > 40`)
	for _, view := range views {
		w.cachectl(t, "alter-view", view, "--every", "1s")
	}
	before := w.runs(t, 0)
	worker := w.worker(t)
	since := before[len(before)-1].ID
	eventually(t, patience, func() error {
		return w.wantCount(t, fmt.Sprintf(`SELECT DISTINCT view_id FROM redcache.run
			WHERE origin = 'worker' AND state IN ('succeeded', 'unchanged') AND id > %d`, since), len(views))
	})
	worker.stop(t)
	w.cachectl(t, "alter-view", "bi.merge_stream", "--every", "0", "--group", "")
	w.cachectl(t, "alter-view", "bi.incremental_dblink", "--strategy", "swap", "--watermark", "")
	w.cachectl(t, "alter-view", "bi.concurrent", "--strategy", "merge")
	w.cachectl(t, "refresh", "--all", "--full")
	w.wantSame(t, reader)
	for _, look := range [][]string{
		{"query", "dw", hostileQuery},
		{"list"},
		{"status"},
		{"status", "bi.merge_stream"},
		{"runs"},
		{"locks"},
		{"link", "list"},
		{"grants", "audit", "--help"},
	} {
		if got := w.cachectl(t, look...); got == "" && look[0] != "locks" {
			t.Errorf("cachectl %v says nothing", look)
		}
	}
	p := w.start(t, nil, "cachectl", "doctor")
	if code := p.wait(t, patience); code != 0 && code != 8 {
		t.Errorf("doctor ends with %d", code)
	}
	w.wantNothingLeft(t)
	for _, view := range views {
		w.cachectl(t, "drop-view", view)
	}
	w.cachectl(t, "link", "remove", "dw")
	w.wantNothingKept(t)
	w.wantNothingCompiled(t)
}

// wantNothingCompiled sees to it that the server has compiled no statement of the programs. To a planner that may not scan, any scan is so dear
// that it compiles the statement, each time, for seconds.
func (w *world) wantNothingCompiled(t testing.TB) {
	t.Helper()
	counts := w.wantCount(t, `SELECT FROM pg_attribute WHERE attrelid = 'public.pg_stat_statements'::regclass AND attname = 'jit_functions'`, 1) == nil
	if !counts {
		return // before PostgreSQL 15 nobody counts
	}
	for _, compiled := range mustLines(t, w.admin, `SELECT s.query FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid
		WHERE s.jit_functions > 0 AND r.rolname = '`+pgtest.Owner+`' LIMIT 3`) {
		t.Errorf("compiled: %s", compiled)
	}
}

// wantSame holds all views, as their reader sees them, against the source.
func (w *world) wantSame(t *testing.T, reader *pgxpool.Pool) {
	t.Helper()
	source := mustLines(t, w.engine, hostileQuery)
	for view := range pooledViews {
		copied := mustLines(t, reader, "SELECT * FROM "+view)
		if !slices.Equal(source, copied) {
			t.Errorf("view %s has %d rows, its source %d\nonly in the source: %s\nonly in the cache: %s", view, len(copied),
				len(source), strings.Join(without(source, copied), "\n"), strings.Join(without(copied, source), "\n"))
		}
	}
}

// Each setting by itself, as others could hide what it does: views are added, refreshed and changed under it.
func TestHostileSettings_OneByOne(t *testing.T) {
	t.Parallel()
	w, reader := hostileWorld(t, nil)
	w.cachectl(t, "init")
	w.cachectl(t, w.linkAdd("dw")...)
	alter := "ALTER ROLE " + pgtest.Owner
	w.hostileTo(t, alter, map[string]string{"client_encoding": "LATIN1"})
	for view, flags := range pooledViews {
		w.cachectl(t, append([]string{
			"add-view", view, "--link", "dw", "--query", hostileQuery, "--grant", "dashboard",
		}, flags...)...)
	}
	for name, value := range single {
		w.asAdmin(t, alter+" RESET ALL")
		w.hostileTo(t, alter, map[string]string{name: value})
		w.change(t, `UPDATE public.item SET batch = batch + 1, name = name || 'é' WHERE id % 7 = 0 AND length(name) < 20`)
		w.cachectl(t, "refresh", "--all")
		w.wantSame(t, reader)
		if t.Failed() {
			t.Fatalf("with %s = %s", name, value)
		}
	}
}
