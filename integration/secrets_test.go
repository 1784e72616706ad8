package integration_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/pgtest"
)

// Passwords that are wrong are secrets as well: often they are right somewhere else.
const (
	wrongLinkPassword  = "Hv3AlmostRight"
	wrongCachePassword = "Bt9AlmostRight"
	// canary is a password that somebody writes into a statement, to prove that the searches find what is there.
	canary = "Cn5SungInTheOpen"
)

// verbose is all that a server can be told to log, except what the product refuses to work under.
var verbose = map[string]string{
	"log_statement": "all", "log_min_duration_statement": "0", "log_duration": "on", "log_connections": "on",
	"log_disconnections": "on", "log_lock_waits": "on", "log_error_verbosity": "verbose", "log_temp_files": "0",
	"log_parameter_max_length": "-1", "log_parameter_max_length_on_error": "-1", "log_min_error_statement": "debug5",
	"log_planner_stats": "on", "log_executor_stats": "on",
}

// A whole life on a server that records everything, logins that fail included, shows no password anywhere.
func TestSecrets_AreNowhere(t *testing.T) {
	t.Parallel()
	w := unlinkedWorld(t, pgtest.Config{
		Settings:   map[string]string{"shared_preload_libraries": "'pg_stat_statements'"},
		Extensions: []string{"dblink", "postgres_fdw", "pg_stat_statements"},
	}, `CREATE TABLE public.item AS SELECT id, 'x' || id AS note, now() AT TIME ZONE 'UTC' AS updated_at
		FROM generate_series(1, 50) id`)
	w.recordAll(t)
	finish := w.watchSessions(t)

	w.liveWithFailingLogins(t)
	secrets := w.liveWithAWS(t)

	places := finish()
	w.collect(t, places)
	secrets = append(secrets, passwordHead, passwordTail, wrongLinkPassword, wrongCachePassword, w.cache.OwnerPassword)
	for place, text := range places {
		for i, secret := range secrets {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("secret %d is in %s: …%s…", i, place, text[max(0, at-200):at])
			}
		}
	}
	wantPart(t, places, "server log", canary)
	wantPart(t, places, "pg_stat_statements", canary)
	wantPart(t, places, "server log", "redcache_secret") // the statements around the password were recorded
	wantPart(t, places, "command lines", "cachectl")
	wantPart(t, places, "command lines", filepath.Join(built.bin, "worker"))
	wantPart(t, places, "statements of sessions", "redcache")
	wantPart(t, places, "redcache.run", "password authentication failed")
	wantPart(t, places, "explain", "dblink")
	wantPart(t, places, "output of worker", "password authentication failed")
	wantPart(t, places, "output of worker", "login of the link was refused, and is renewed")
	wantPart(t, places, "redcache.link_state", ":") // the times of logins, and nothing else of them
}

// wantPart proves that a place was really looked at.
func wantPart(t *testing.T, places map[string]string, place, part string) {
	t.Helper()
	if !strings.Contains(places[place], part) {
		t.Errorf("%s has nothing of %q, so that finding no password there proves nothing", place, part)
	}
}

// recordAll turns on all logging. Before, the server's set-up wrote a password into a statement; that was not us.
func (w *world) recordAll(t *testing.T) {
	t.Helper()
	var statements []string
	for _, name := range slices.Sorted(maps.Keys(verbose)) {
		statements = append(statements, fmt.Sprintf("ALTER SYSTEM SET %s = '%s'", name, verbose[name]))
	}
	statements = append(statements, "SELECT pg_reload_conf()")
	if err := w.cache.Admin(t.Context(), w.cacheDB, statements...); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, func() error { // the server reads its settings when it gets to it
		return w.wantCount(t, "SELECT FROM pg_settings WHERE name = 'log_statement' AND setting = 'all'", 1)
	})
	err := w.cache.Admin(t.Context(), w.cacheDB, "SELECT pg_stat_statements_reset()",
		"CREATE ROLE canary PASSWORD '"+canary+"'")
	if err != nil {
		t.Fatal(err)
	}
}

// liveWithFailingLogins does what an operator does, and what goes wrong for operators with passwords.
func (w *world) liveWithFailingLogins(t *testing.T) {
	t.Helper()
	w.refused(t, 1, []string{"DATABASE_URL=" + w.cache.URL(w.cacheDB, pgtest.Owner, wrongCachePassword)}, "list")
	w.refused(t, 2, []string{"DATABASE_URL=postgres://u:" + wrongCachePassword + "/x@host/db"}, "list")
	w.cachectl(t, "init")
	w.refused(t, 1, []string{"DW_PASSWORD=" + wrongLinkPassword}, w.linkAdd("dw")...)
	w.refuseToBeRecorded(t)
	w.cachectl(t, append(w.linkAdd("dw"), "--dry-run")...)
	w.cachectl(t, w.linkAdd("dw")...)
	for _, strategy := range [][]string{
		{"bi.n", "--strategy", "nonconcurrent"},
		{"bi.c", "--strategy", "concurrent", "--key", "id"},
		{"bi.i", "--strategy", "incremental", "--key", "id", "--watermark", "updated_at"},
	} {
		args := append([]string{"add-view"}, strategy...)
		args = append(args, "--link", "dw", "--table", "public.item", "--every", "1s")
		w.cachectl(t, append(args, "--dry-run")...)
		w.cachectl(t, args...)
	}
	w.source.ExpirePassword(login)
	w.refused(t, 1, nil, "refresh", "--all")
	w.refused(t, 1, nil, "link", "test", "dw")
	w.refused(t, 1, nil, "query", "dw", "SELECT 1 AS one")
	const ofWorker = `SELECT DISTINCT view_id FROM redcache.run WHERE origin = 'worker' AND state = '%s'`
	worker := w.worker(t)
	eventually(t, patience, func() error { return w.wantCount(t, fmt.Sprintf(ofWorker, "failed"), 3) })
	w.source.SetPassword(login, password)
	eventually(t, patience, func() error { return w.wantCount(t, fmt.Sprintf(ofWorker, "succeeded"), 3) })
	worker.stop(t)
	for _, command := range []string{
		"refresh --all --full --wait 30s", "refresh --all --dry-run", "link list", "link list --json", "link test dw",
		"list --json", "status", "status bi.c --json", "runs", "runs --json", "locks", "alter-view bi.c --every 0",
	} {
		w.cachectl(t, strings.Fields(command)...)
	}
}

// refuseToBeRecorded adds a link while the server keeps nested statements: that has to be refused, as it would show.
func (w *world) refuseToBeRecorded(t *testing.T) {
	t.Helper()
	const track = "ALTER ROLE " + pgtest.Owner
	if err := w.cache.Admin(t.Context(), w.cacheDB, track+" SET pg_stat_statements.track = 'all'"); err != nil {
		t.Fatal(err)
	}
	if said := w.refused(t, 1, nil, w.linkAdd("dw")...); !strings.Contains(said, "pg_stat_statements.track") {
		t.Errorf("a server that records passwords gets: %s", said)
	}
	if err := w.cache.Admin(t.Context(), w.cacheDB, track+" RESET pg_stat_statements.track"); err != nil {
		t.Fatal(err)
	}
}

// watchSessions looks all the time at what anybody on the machine can see of processes, and a superuser of sessions.
func (w *world) watchSessions(t *testing.T) (finish func() map[string]string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	commands, statements := map[string]bool{}, map[string]bool{}
	go func() {
		defer close(done)
		tick := time.NewTicker(25 * time.Millisecond)
		defer tick.Stop()
		for {
			for _, line := range commandLines() {
				commands[line] = true
			}
			seen, _ := lines(ctx, w.admin, "SELECT application_name, query FROM pg_stat_activity") // looks again soon
			for _, line := range seen {
				statements[line] = true
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return func() map[string]string {
		cancel()
		<-done
		join := func(set map[string]bool) string { return strings.Join(slices.Collect(maps.Keys(set)), "\n") }
		return map[string]string{"command lines": join(commands), "statements of sessions": join(statements)}
	}
}

// commandLines returns what ps shows of all processes; Linux does not always have ps.
func commandLines() (all []string) {
	processes, _ := os.ReadDir("/proc") // found out by wantPart
	if processes == nil {
		out, _ := exec.Command("ps", "-A", "-ww", "-o", "args").Output() // found out by wantPart
		return strings.Split(string(out), "\n")
	}
	for _, process := range processes {
		if name := process.Name(); name[0] < '0' || name[0] > '9' {
			continue
		}
		if line, err := os.ReadFile(filepath.Join("/proc", process.Name(), "cmdline")); err == nil { // the process may have ended
			all = append(all, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return all
}

// collect adds everything that was written: by servers, by programs, and into tables.
func (w *world) collect(t *testing.T, places map[string]string) {
	t.Helper()
	log, err := w.cache.Log()
	if err != nil {
		t.Fatal(err)
	}
	places["server log"] = log
	for _, p := range w.processes {
		name := "output of " + filepath.Base(p.cmd.Path)
		places[name] += p.stdout.String() + p.stderr.String()
	}
	for _, st := range w.source.Statements() {
		places["statements on the source"] += st.SQL + "\n" + st.Application + "\n" + st.Err + "\n"
	}
	for place, query := range map[string]string{
		"pg_stat_statements": "SELECT query FROM pg_stat_statements",
		"definitions": `SELECT definition FROM pg_views UNION ALL SELECT definition FROM pg_matviews
			UNION ALL SELECT prosrc FROM pg_proc`,
		"servers": "SELECT srvoptions FROM pg_foreign_server",
		"roles":   "SELECT r::text FROM pg_db_role_setting r",
	} {
		places[place] = strings.Join(mustLines(t, w.admin, query), "\n")
	}
	places["explain"] = w.explain(t)
	tables := mustLines(t, w.admin, `SELECT relname FROM pg_class
		WHERE relnamespace = 'redcache'::regnamespace AND relkind IN ('r', 'v')`)
	for _, table := range tables {
		name := "redcache." + strings.Trim(table, `"|`)
		places[name] = strings.Join(mustLines(t, w.admin, "SELECT x::text FROM "+name+" x"), "\n")
	}
}

// explain returns the plans by which a copy is read and filled, in all their words.
func (w *world) explain(t *testing.T) string {
	t.Helper()
	var filling string
	err := w.pool.QueryRow(t.Context(), `
		SELECT definition FROM pg_matviews WHERE schemaname = 'redcache_data' ORDER BY matviewname LIMIT 1`).Scan(&filling)
	if err != nil {
		t.Fatal(err)
	}
	plan := mustLines(t, w.pool, "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM bi.n")
	plan = append(plan, mustLines(t, w.pool, "EXPLAIN (ANALYZE, VERBOSE) "+filling)...)
	return strings.Join(plan, "\n")
}
