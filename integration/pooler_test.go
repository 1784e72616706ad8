package integration_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/internal/pgtest"
)

// pooledWorld makes a world whose programs and readers reach the cache through PgBouncer in transaction mode only.
func pooledWorld(t *testing.T, server pgtest.Config, cfg pgtest.PoolerConfig, sourceSQL ...string) (*world, *pgtest.Pooler) {
	t.Helper()
	w := unlinkedWorld(t, server, sourceSQL...)
	p := pgtest.PoolerFor(t, w.cache, cfg)
	w.cacheURL = p.OwnerURL(w.cacheDB)
	w.cachectl(t, "init")
	w.cachectl(t, w.linkAdd("dw")...)
	return w, p
}

// pooledViews has one view for each strategy and each transport that it knows, some of them in groups.
var pooledViews = map[string][]string{
	"bi.nonconcurrent":       {"--strategy", "nonconcurrent"},
	"bi.concurrent":          {"--strategy", "concurrent", "--key", "id"},
	"bi.incremental_dblink":  {"--strategy", "incremental", "--key", "id", "--watermark", "batch", "--transport", "dblink"},
	"bi.incremental_stream":  {"--strategy", "incremental", "--key", "id", "--watermark", "batch", "--transport", "stream"},
	"bi.swap_dblink":         {"--strategy", "swap", "--key", "id", "--transport", "dblink", "--group", "inside"},
	"bi.swap_stream":         {"--strategy", "swap", "--key", "id", "--transport", "stream", "--group", "outside"},
	"bi.merge_dblink":        {"--strategy", "merge", "--key", "id", "--transport", "dblink", "--group", "inside"},
	"bi.merge_stream":        {"--strategy", "merge", "--key", "id", "--transport", "stream", "--group", "outside"},
	"bi.auto_dblink":         {"--strategy", "auto", "--key", "id", "--transport", "dblink"},
	"bi.auto_if_not_changed": {"--strategy", "auto", "--key", "id", "--skip-unchanged", "content"},
}

// What an operator does with a cache, through TLS and three server connections, leaves nothing in any of these for
// whoever gets it next. Nothing is ever prepared under a name, and who listens hears of new rows.
func TestPooler_OneLifeLeavesNothingInTheSessions(t *testing.T) {
	t.Parallel()
	const size = 3
	const query = "SELECT id, batch FROM public.item"
	logged := pgtest.Config{Settings: map[string]string{"log_statement": "all", "log_line_prefix": "'%a '"}}
	w, p := pooledWorld(t, logged, pgtest.PoolerConfig{Size: size, TLS: true},
		"CREATE TABLE public.item AS SELECT id, 0 AS batch FROM generate_series(1, 500) id")
	cachectl := func(args ...string) {
		t.Helper()
		w.cachectl(t, args...)
		w.wantCleanServers(t, p, size)
	}
	cachectl("link", "test", "dw")
	for view, flags := range pooledViews {
		cachectl(append([]string{"add-view", view, "--link", "dw", "--query", query}, flags...)...)
	}
	w.change(t, "UPDATE public.item SET batch = batch + 1")
	heard := w.listen(t)
	for view := range pooledViews {
		cachectl("refresh", view)
		w.wantEqual(t, view, query)
	}
	heard()
	cachectl("query", "dw", query)
	cachectl("locks")
	cachectl("status")
	cachectl("alter-view", "bi.merge_stream", "--every", "1h")
	cachectl("alter-view", "bi.incremental_dblink", "--strategy", "concurrent", "--watermark", "")
	cachectl("refresh", "--all")
	cachectl("apply", "--lineage=false", w.directory(t, "bi", map[string]string{
		"whole":  "-- @link dw\n-- @strategy swap\n-- @key id\n" + query,
		"newest": "-- @strategy merge\n-- @key batch\nSELECT max(batch) AS batch FROM bi.whole",
		"alone":  "-- @link dw\n-- @strategy concurrent\n-- @key id\n" + query,
	}))
	w.wantEqual(t, "bi.whole", query)
	w.wantEqual(t, "bi.newest", "SELECT max(batch) AS batch FROM public.item")
	for _, view := range []string{"bi.newest", "bi.whole", "bi.alone"} {
		cachectl("drop-view", view)
	}
	w.wantNothingLeft(t)
	w.wantNothingNamed(t)
	for view := range pooledViews {
		cachectl("drop-view", view)
	}
	cachectl("link", "remove", "dw")
	w.wantNothingKept(t)
}

// directory makes a directory of files of a schema's views, by their names; its path is returned.
func (w *world) directory(t *testing.T, schema string, views map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for view, text := range views {
		file := filepath.Join(dir, view+".sql")
		if err := os.WriteFile(file, fmt.Appendf(nil, "-- @matview-schema %s\n-- @matview-name %s\n%s\n", schema, view, text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// listen listens for refreshes, over a connection that no pooler shares. The returned function wants to have heard of
// every view.
func (w *world) listen(t *testing.T) (heard func()) {
	t.Helper()
	conn := pgtest.Connect(t, w.cache.OwnerURL(w.cacheDB))
	if _, err := conn.Exec(t.Context(), "LISTEN redcache"); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for views := map[string]bool{}; len(views) < len(pooledViews); {
			n, err := conn.WaitForNotification(ctx)
			if err != nil {
				t.Fatalf("heard of %v: %v", views, err)
			}
			views[n.Payload] = true
		}
	}
}

// leftovers lists what a session keeps from one transaction to the next. PgBouncer itself sets application_name, and
// transaction_read_only and its kin begin anew with each transaction.
const leftovers = `
	SELECT 'setting ' || name || ' = ' || setting FROM pg_settings
	WHERE source = 'session' AND name <> 'application_name' AND name !~ '^transaction_'
	UNION ALL SELECT 'temporary relation ' || relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()
	UNION ALL SELECT 'dblink connection ' || c FROM unnest(dblink_get_connections()) c
	UNION ALL SELECT 'lock ' || locktype || ' ' || mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'
	UNION ALL SELECT 'statement ' || name FROM pg_prepared_statements
	UNION ALL SELECT 'cursor ' || name FROM pg_cursors WHERE is_holdable
	UNION ALL SELECT 'channel ' || c FROM pg_listening_channels() c
	UNION ALL SELECT 'role ' || current_user WHERE current_user <> session_user`

// wantCleanServers looks, as a client of the pooler, at each server connection that it has: by as many transactions at
// once as there can be.
func (w *world) wantCleanServers(t *testing.T, p *pgtest.Pooler, size int) {
	t.Helper()
	looked := map[int]bool{}
	for range size {
		conn, err := connect(t.Context(), w.cacheURL)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.WithoutCancel(t.Context()))
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback(context.WithoutCancel(t.Context()))
		var pid int
		if err := tx.QueryRow(t.Context(), `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
			t.Fatal(err)
		}
		looked[pid] = true
		rows, err := tx.Query(t.Context(), leftovers)
		if err != nil {
			t.Fatal(err)
		}
		left, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(left) > 0 {
			t.Fatalf("server connection %d: left for the next client: %q, %v", pid, left, err)
		}
	}
	servers, err := p.Console(t.Context(), "SHOW SERVERS")
	if err != nil || len(servers) != size || len(looked) != size {
		t.Fatalf("looked at %d server connections of %d, want %d, %v", len(looked), len(servers), size, err)
	}
}

// executed finds the programs' statements of the extended protocol in a server's log, and under which name each is.
var executed = regexp.MustCompile(`(?m)^(?:cachectl|redcache) .*LOG:  execute (\S+):`)

// wantNothingNamed wants every statement of the programs to have been sent without a name: a later transaction is with
// another server connection, where the name means nothing. From 1.21 PgBouncer mends that, with max_prepared_statements
// above 0; nothing needs it to.
func (w *world) wantNothingNamed(t *testing.T) {
	t.Helper()
	log, err := w.cache.Log()
	if err != nil {
		t.Fatal(err)
	}
	all := executed.FindAllStringSubmatch(log, -1)
	for _, found := range all {
		if found[1] != "<unnamed>" {
			t.Errorf("prepared under a name: %s", found[0])
		}
	}
	if len(all) == 0 {
		t.Error("the server's log has no statement of the programs, which proves nothing")
	}
}

// Two workers and three loops of cachectl share a pool of the smallest size with which nobody waits forever: one server
// connection for each refresh that can be under way, and one for what all of them write beside it.
func TestPooler_NoViewIsRefreshedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	const concurrency, loops = 2, 3
	const size = 2*concurrency + loops + 1
	w, p := pooledWorld(t, pgtest.Config{}, pgtest.PoolerConfig{Size: size})
	w.addContended(t)
	before := w.runs(t, 0)
	first := before[len(before)-1].ID
	w.source.Delay(slow)
	seen := w.sample(t)
	few := "REDCACHE_CONCURRENCY=" + strconv.Itoa(concurrency)
	workers := []*process{w.worker(t, few), w.worker(t, few)}

	w.refreshInLoops(t, crowd{since: first, written: 100, met: 30})

	for _, worker := range workers {
		worker.stop(t)
	}
	seen.stop(t)
	w.source.Delay(0)
	runs := w.runs(t, first)
	wantTurns(t, runs)
	wantHoldersNamed(t, runs)
	wantShared(t, runs, size)
	wantRemoteTurns(t, seen)
	w.wantNothingLeftByTheNextRun(t)
	w.cachectl(t, "refresh", "--all", "--wait", "30s")
	w.wantContendedFresh(t)
	w.wantCleanServers(t, p, size)
}

// wantShared wants server connections to have gone from one program to another.
func wantShared(t *testing.T, runs []pastRun, size int) {
	t.Helper()
	programs := map[int]map[string]bool{}
	shared := 0
	for _, r := range runs {
		if r.PID == nil {
			continue // it was skipped
		}
		if programs[*r.PID] == nil {
			programs[*r.PID] = map[string]bool{}
		}
		programs[*r.PID][r.Application] = true
		if len(programs[*r.PID]) == 2 {
			shared++
		}
	}
	if len(programs) > size || shared == 0 {
		t.Errorf("%d server connections wrote, of %d, and %d of them for several programs", len(programs), size, shared)
	}
}

// What breaks behind or before a pooler, or the pooler itself, is repaired by the worker, and readers see whole batches.
func TestPooler_OldRowsStayAndTheNextRunRepairs(t *testing.T) {
	t.Parallel()
	w, p := pooledWorld(t, pgtest.Config{}, pgtest.PoolerConfig{}, itemTable)
	killed := func(c *chaos, t *testing.T, _ []*process) {
		c.outages.Add(1)
		defer c.outages.Add(1)
		if err := errors.Join(p.Halt(true), p.Resume(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	w.chaos(t).sufferAll(t, []disaster{
		{
			name: "pooler is killed", strike: killed,
			history: `^(abandoned/\d|failed/\d|succeeded/[23])( failed/\d)*( succeeded/\d)*$`, why: `\w`,
		},
		{
			name:    "server connections are terminated",
			strike:  func(c *chaos, t *testing.T, _ []*process) { c.terminate(t) },
			history: `^succeeded/2( succeeded/1)*$`,
		},
		{
			name: "pooler makes new server connections",
			strike: func(_ *chaos, t *testing.T, _ []*process) {
				if _, err := p.Console(t.Context(), "RECONNECT"); err != nil {
					t.Fatal(err)
				}
			},
			history: `^succeeded/1( succeeded/1)*$`,
		},
		{
			name:     "worker is killed",
			strike:   func(_ *chaos, _ *testing.T, ps []*process) { ps[0].kill() },
			released: true,
			repair:   func(c *chaos, t *testing.T) { c.untilCaughtUp(t, c.worker(t)) },
			history:  `^abandoned/1( succeeded/1)+$`, why: "process or connection ended",
		},
	})
}
