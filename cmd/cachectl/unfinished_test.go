package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// An add-view that is under way, and one that was killed, are told by whatever meets them, and neither is there for ever.
func TestRun_WhatAnAddViewHasLeftBehindIsTold(t *testing.T) {
	t.Parallel()
	cache := pgtest.New(t)
	o := newOperator(t, cache.URL)
	pool := cache.AdminPool(t)
	if _, err := o.source.Engine.Exec(t.Context(), `CREATE TABLE public.slow AS SELECT generate_series(1, 1000) AS id;
		GRANT SELECT ON public.slow TO PUBLIC`); err != nil {
		t.Fatal(err)
	}
	o.must(t, "init")
	o.must(t, o.link(redshiftsim.User)...)
	o.source.Throttle(1) // a row a second

	process := exec.CommandContext(t.Context(), os.Args[0], "add-view", "bi.slow", "--link", "dw", "--table", "public.slow")
	process.Env = append(os.Environ(), asProcess+"=1", "DATABASE_URL="+cache.URL)
	var stderr bytes.Buffer
	process.Stderr = &stderr
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, pool, `SELECT count(*) > 0 FROM redcache.run WHERE state = 'running'`)
	says := func(want int, pattern string, args ...string) {
		t.Helper()
		status, stdout, talk := o.run(t.Context(), args...)
		if status != want || !regexp.MustCompile(pattern).MatchString(stdout+talk) {
			t.Errorf("cachectl %s: exit status %d, want %d and %s\n%s%s", strings.Join(args, " "), status, want, pattern, stdout, talk)
		}
	}
	const waits = `\nhint: wait until that has ended, or stop it; .cachectl locks. shows who is at it\n`
	says(exitDone, `(?m)^set 1, which adds bi\.slow +holds +[0-9]+ +cachectl `, "locks")
	says(exitDone, `"kind": "set",\s+"name": "1, which adds bi\.slow"`, "locks", "--json")
	says(exitDone, `bi\.slow +running`, "runs", "bi.slow")
	says(exitFailed, `drop view bi\.slow: view bi\.slow does not exist yet: cachectl .*:[0-9]+ adds bi\.slow, for [0-9]+s`+waits, "drop-view", "bi.slow")
	says(exitFailed, `link dw is used by what is being built: cachectl .* adds bi\.slow, for [0-9]+s`+waits, "link", "remove", "dw")

	if err := process.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = process.Wait()
	o.source.Throttle(0)
	await(t, pool, `SELECT count(pg_terminate_backend(pid)) = 0 FROM pg_stat_activity WHERE application_name LIKE 'cachectl %:`+
		strconv.Itoa(process.Process.Pid)+`'`) // which notice by themselves, within 5 s
	await(t, pool, `SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory'
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	ago := func(age string) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), `UPDATE redcache.set SET begun_at = now() - $1::interval, touched_at = now() - $1::interval`, age); err != nil {
			t.Fatal(err)
		}
	}
	const goes = `\nhint: what a process has left behind that has ended goes by itself, with the next change of a definition or by a worker, once nothing was heard of it for 1m`
	ago("30 s")
	const silent = `adds bi\.slow: that began 3[0-9]s ago, and nothing was heard of it for 3[0-9]s`
	for _, args := range []string{"drop-view bi.slow", "alter-view bi.slow --every 5m", "refresh bi.slow", "refresh bi.slow --dry-run", "status bi.slow"} {
		says(exitFailed, `view bi\.slow does not exist yet: cachectl .* `+silent+goes+`; to add the view again does away with it at once\n`, strings.Fields(args)...)
	}
	says(exitFailed, `link dw is used by what is being built: cachectl .* `+silent+goes, "link", "remove", "dw")

	ago("90 s")
	says(exitDone, `(?s)warning +view bi\.slow.*a change of definitions has never taken effect.*adds bi\.slow: that began 1m3[0-9]s ago`, "doctor")
	says(exitDone, `DROP SERVER`, "link", "remove", "dw", "--dry-run")
	says(exitDone, `"dw"`, "link", "list", "--json")
	says(exitDone, `link dw removed`, "link", "remove", "dw")
	await(t, pool, `SELECT (SELECT count(*) FROM redcache.view) + (SELECT count(*) FROM redcache.set) + (SELECT count(*) FROM redcache.run) = 0`)
}
