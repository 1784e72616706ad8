package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// write writes a file of a pipeline, with the view bi.NAME, and returns the directory.
func writeView(t *testing.T, dir, name, query string) string {
	t.Helper()
	text := "-- @matview-schema bi\n-- @matview-name " + name + "\n-- @link dw\n" + query + "\n"
	if err := os.WriteFile(filepath.Join(dir, name+".sql"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Of two applies at once that add the same view, the second says what has become of it, and what to do.
func TestApply_SaysThatAnotherHasAddedTheView(t *testing.T) {
	t.Parallel()
	cache := pgtest.New(t)
	o := newOperator(t, cache.URL)
	if _, err := o.source.Engine.Exec(t.Context(), `CREATE TABLE public.slow (id integer); CREATE TABLE public.quick (id integer);
		GRANT SELECT ON public.slow, public.quick TO PUBLIC`); err != nil {
		t.Fatal(err)
	}
	o.must(t, "init")
	o.must(t, o.link(redshiftsim.User)...)
	held, err := o.source.Engine.Begin(t.Context())
	if err == nil {
		_, err = held.Exec(t.Context(), `LOCK TABLE public.slow`)
	}
	if err != nil {
		t.Fatal(err)
	}
	first := writeView(t, writeView(t, t.TempDir(), "one", "SELECT id FROM public.slow"), "two", "SELECT id FROM public.slow")
	second := writeView(t, writeView(t, t.TempDir(), "one", "SELECT id FROM public.quick"), "two", "SELECT id FROM public.quick")
	ended := make(chan string)
	go func() {
		status, _, stderr := o.run(t.Context(), "apply", "--lineage=false", first)
		ended <- map[bool]string{true: stderr, false: "it has another exit status\n" + stderr}[status == exitFailed]
	}()
	await(t, o.source.Engine, `SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = 'public.slow'::regclass`)
	o.must(t, "apply", "--lineage=false", second)
	if err := held.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := "cachectl: apply " + first + ": view bi.one was added by somebody else meanwhile, by another apply perhaps\n" +
		"hint: Nothing has changed. Apply once more: that goes by what is there now.\n"
	if got := <-ended; !strings.HasSuffix(got, want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
	o.must(t, "apply", "--lineage=false", first)
}

// A process that works on a directory and is told to end while Redshift is silent does so at once, says so, and leaves nothing.
func TestRun_TerminationEndsWorkOnADirectory(t *testing.T) {
	t.Parallel()
	cache := pgtest.New(t)
	o, pool := newOperator(t, cache.URL), cache.AdminPool(t)
	if _, err := o.source.Engine.Exec(t.Context(), `CREATE TABLE public.slow AS SELECT generate_series(1, 1000) AS id; GRANT SELECT ON public.slow TO PUBLIC`); err != nil {
		t.Fatal(err)
	}
	o.must(t, "init")
	o.must(t, o.link(redshiftsim.User)...)
	dir := writeView(t, t.TempDir(), "slow", "SELECT id FROM public.slow")
	const describing = `SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = 'public.slow'::regclass`
	for _, tt := range []struct{ command, during string }{{"plan", "described"}, {"apply", "built"}} {
		process := exec.CommandContext(t.Context(), os.Args[0], tt.command, dir)
		process.Env = append(os.Environ(), asProcess+"=1", "DATABASE_URL="+cache.URL)
		var stderr bytes.Buffer
		process.Stderr = &stderr
		held, err := o.source.Engine.Begin(t.Context())
		if err == nil && tt.during == "described" {
			_, err = held.Exec(t.Context(), `LOCK TABLE public.slow`)
		}
		if err == nil {
			o.source.Throttle(map[bool]int{true: 1}[tt.during == "built"])
			err = process.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		if tt.during == "described" {
			await(t, o.source.Engine, describing)
		} else {
			await(t, pool, `SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query ~ 'REFRESH' AND pid <> pg_backend_pid()`)
		}
		start := time.Now()
		if err := process.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		_ = process.Wait() // the status says more
		took, status := time.Since(start), process.ProcessState.ExitCode()
		if want := "cachectl: " + tt.command + " " + dir + ": interrupted; what was running has been cancelled on "; status != exitFailed || took > 3*time.Second || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s, while it is %s: exit status %d after %s:\n%s", tt.command, tt.during, status, took, stderr.String())
		}
		if err := held.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		await(t, o.source.Engine, `SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND query ~ 'slow' AND state = 'active' AND pid <> pg_backend_pid()`)
		await(t, pool, `SELECT count(*) = 0 FROM redcache.view`)
		await(t, pool, `SELECT count(*) = 0 FROM redcache.set`)
	}
}
