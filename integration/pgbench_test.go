package integration_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/internal/pgtest"
)

// benchView is a table of pgbench's and how it is cached.
type benchView struct {
	name, table string
	flags       []string
}

var benchViews = []benchView{
	{"bench.accounts", "pgbench_accounts", []string{"--strategy", "concurrent", "--key", "aid", "--every", "2s"}},
	{"bench.branches", "pgbench_branches", []string{"--strategy", "nonconcurrent", "--every", "1s"}},
	{"bench.swapped", "pgbench_accounts", []string{"--strategy", "swap", "--key", "aid", "--every", "3s"}},
	{"bench.merged", "pgbench_accounts", []string{"--strategy", "merge", "--key", "aid", "--every", "3s"}},
	{"bench.tellers", "pgbench_tellers", []string{"--strategy", "swap", "--key", "tid", "--every", "1s"}},
	{"bench.history", "pgbench_history", []string{
		"--strategy", "incremental", "--watermark", "mtime", "--lookback", "10s", "--every", "1s",
	}},
}

// Real input, changed by a real client: pgbench fills the source and changes it, while applications read the copies.
func TestPgbench_CopiesFollowAndReadersNeverNotice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Config{})
	w.pgbench(t, "-i", "-q", "-s", "1")
	w.pgbench(t, "-n", "-c", "2", "-t", "20") // so that there is a history to be read from the start
	for _, v := range benchViews {
		w.cachectl(t, append([]string{"add-view", v.name, "--link", "dw", "--table", "public." + v.table, "--grant", pgtest.Reader}, v.flags...)...)
	}
	before := w.runs(t, 0)
	last := before[len(before)-1].ID
	worker := w.worker(t)
	finish := w.readBench(t)

	var refreshed []string
	for _, seconds := range []string{"15", "5", "5", "5", "5", "5"} { // more rounds are for slow machines
		w.pgbench(t, "-n", "-c", "4", "-j", "2", "-T", seconds, "-R", "200")
		if refreshed = w.refreshedTwice(t, last); len(refreshed) == len(benchViews) {
			break
		}
	}

	finish()
	worker.stop(t)
	for _, r := range w.runs(t, last) {
		if r.State != "succeeded" {
			t.Errorf("run %d of %s: %s, %v", r.ID, r.View, r.State, text(r.Error))
		}
	}
	w.cachectl(t, "refresh", "--all", "--wait", "30s")
	for _, v := range benchViews {
		if !slices.Contains(refreshed, v.name) {
			t.Errorf("view %s was not refreshed twice while pgbench ran, which proves little", v.name)
		}
		w.wantEqual(t, v.name, "SELECT * FROM public."+v.table)
	}
	w.wantNothingLeft(t)
}

// refreshedTwice lists the views that had two runs or more since.
func (w *world) refreshedTwice(t *testing.T, since int64) (views []string) {
	t.Helper()
	count := map[string]int{}
	for _, r := range w.runs(t, since) {
		if count[r.View]++; count[r.View] == 2 {
			views = append(views, r.View)
		}
	}
	return views
}

// pgbench runs the program against the source, behind the stand-in's back.
func (w *world) pgbench(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(pgbenchPath(t), args...)
	cmd.Env = append(w.environ(), "PGHOST="+built.engine.Host, "PGPORT="+strconv.Itoa(built.engine.Port),
		"PGUSER="+pgtest.Superuser, "PGPASSWORD="+built.engine.SuperPassword, "PGDATABASE="+w.sourceDB)
	diesWithParent(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("pgbench %q: %v\n%s", args, err, out)
	}
}

// pgbenchPath looks beside the server's programs first, as Debian does not put those of a version on PATH.
func pgbenchPath(t *testing.T) string {
	t.Helper()
	dir, err := pgtest.BinDir()
	if err != nil {
		t.Fatal(err)
	}
	if path := filepath.Join(dir, "pgbench"); isFile(path) {
		return path
	}
	path, err := exec.LookPath("pgbench")
	if err != nil {
		t.Fatalf("%v: install PostgreSQL's contrib programs (Debian: postgresql-contrib)", err)
	}
	return path
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// readBench reads the copies as applications do, and wants a full answer each time. A history only grows.
func (w *world) readBench(t *testing.T) (finish func()) {
	t.Helper()
	const accounts = 100_000
	var stops []func()
	for n := range 4 {
		_, stop := w.keepReading(t, fmt.Sprintf("account %d", n), func(ctx context.Context, conn *pgx.Conn) error {
			aid := rand.IntN(accounts) + 1
			var balance int
			err := conn.QueryRow(ctx, `SELECT abalance FROM bench.accounts WHERE aid = $1`, aid).Scan(&balance)
			if errors.Is(err, pgx.ErrNoRows) {
				return wrongRows("there is no account %d", aid)
			}
			return err
		})
		stops = append(stops, stop)
	}
	count := func(view string, wrong func(n int) bool) {
		_, stop := w.keepReading(t, view, func(ctx context.Context, conn *pgx.Conn) error {
			var n int
			err := conn.QueryRow(ctx, `SELECT count(*) FROM `+view).Scan(&n)
			if err == nil && wrong(n) {
				return wrongRows("%s has %d rows", view, n)
			}
			return err
		})
		stops = append(stops, stop)
	}
	seen := 1
	count("bench.branches", func(n int) bool { return n != 1 })
	count("bench.tellers", func(n int) bool { return n != 10 })
	for _, view := range []string{"bench.swapped", "bench.merged"} {
		count("(SELECT FROM "+view+" LIMIT 1000) AS first", func(n int) bool { return n != 1000 })
	}
	count("bench.history", func(n int) bool {
		shrunk := n < seen
		seen = max(seen, n)
		return shrunk
	})
	return func() {
		t.Helper()
		for _, stop := range stops {
			stop()
		}
	}
}
