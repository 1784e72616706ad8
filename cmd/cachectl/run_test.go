package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/internal/need"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// operator runs cachectl on a cache and a source of a test's own.
type operator struct {
	env    map[string]string
	source *redshiftsim.Warehouse
}

func newOperator(t *testing.T, databaseURL string) *operator {
	t.Helper()
	return &operator{
		source: redshiftsim.For(t),
		env:    map[string]string{"DATABASE_URL": databaseURL, "DW_PASSWORD": redshiftsim.Password},
	}
}

func (o *operator) run(ctx context.Context, args ...string) (status int, stdout, stderr string) {
	var out, talk bytes.Buffer
	lookup := func(name string) (string, bool) { value, found := o.env[name]; return value, found }
	status = run(ctx, args, lookup, strings.NewReader(""), &out, &talk)
	return status, out.String(), talk.String()
}

func (o *operator) must(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	status, stdout, stderr := o.run(t.Context(), args...)
	if status != exitDone {
		t.Fatalf("cachectl %s: exit status %d\n%s", strings.Join(args, " "), status, stderr)
	}
	return stdout
}

func (o *operator) link(user string) []string {
	return []string{
		"link", "add", "dw", "--host", o.source.Host(), "--port", strconv.Itoa(o.source.Port()),
		"--database", o.source.Name, "--user", user, "--password-env", "DW_PASSWORD",
	}
}

func TestRun_TwoInitsAtOnceTakeTurns(t *testing.T) {
	t.Parallel()
	o := &operator{env: map[string]string{"DATABASE_URL": pgtest.New(t).URL}}
	const many = 4
	var wait sync.WaitGroup
	outputs := make([]string, many)
	for i := range many {
		wait.Go(func() {
			status, stdout, stderr := o.run(t.Context(), "init")
			outputs[i] = fmt.Sprint(status, " ", stdout, stderr)
		})
	}
	wait.Wait()
	made := 0
	for _, output := range outputs {
		switch output {
		case "0 schema redcache is now at version 7\n":
			made++
		case "0 schema redcache is up to date at version 7\n":
		default:
			t.Errorf("got %q", output)
		}
	}
	if made != 1 {
		t.Errorf("%d of %d made the catalog, want one:\n%s", made, many, strings.Join(outputs, ""))
	}
}

// Whatever is done, and however it fails, the server logs every statement and never sees a password in one.
func TestRun_NoSecretReachesTheServerLog(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartFor(t, pgtest.Config{Settings: map[string]string{
		"log_statement": "'all'", "log_min_duration_statement": "0", "log_parameter_max_length_on_error": "-1",
	}})
	database, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := newOperator(t, cluster.OwnerURL(database))
	var said strings.Builder
	for _, args := range [][]string{
		{"init"},
		append(o.link(redshiftsim.User), "--dry-run"),
		o.link("nobody"), // refused
		o.link(redshiftsim.User),
		o.link(redshiftsim.User), // exists
		{"link", "list", "--json"},
		{"link", "test", "dw"},
		{"query", "dw", "select 1 as a"},
		{"add-view", "bi.one", "--link", "dw", "--query", "select 1 as a", "--key", "a"},
		{"add-view", "bi.two", "--link", "dw", "--query", "select 1 as a", "--strategy", "swap", "--transport", "stream"},
		{"refresh", "--all", "--json"},
		{"status", "bi.one", "--json"},
		{"drop-view", "bi.one"},
		{"drop-view", "bi.two"},
		{"link", "remove", "dw"},
	} {
		_, stdout, stderr := o.run(t.Context(), args...)
		said.WriteString(stdout + stderr)
	}
	if strings.Contains(said.String(), cluster.OwnerPassword) { // the log has it, from when the role was made
		t.Errorf("the output shows the password of DATABASE_URL")
	}
	log, err := cluster.Log()
	if err != nil {
		t.Fatal(err)
	}
	for _, expected := range []string{"CREATE SERVER", "redcache.link", "REFRESH MATERIALIZED VIEW", "FREEZE"} {
		if !strings.Contains(log, expected) {
			t.Fatalf("the server log has no %s: it does not log what it should\n%s", expected, said.String())
		}
	}
	for name, secret := range map[string]string{
		"link's password": redshiftsim.Password, "its beginning": redshiftsim.Password[:6],
		"quoted link's password": strings.ReplaceAll(redshiftsim.Password, "'", "''"),
	} {
		for where, text := range map[string]string{"server log": log, "output": said.String()} {
			if strings.Contains(text, secret) {
				t.Errorf("the %s shows the %s", where, name)
			}
		}
	}
}

// A process that is interrupted says so, fails, and leaves nothing running on either server.
func TestRun_InterruptCancelsTheStatement(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"refresh", "bi.slow"},
		{"query", "dw", "select id from public.slow"},
	} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			cache := pgtest.New(t)
			o := newOperator(t, cache.URL)
			pool := cache.AdminPool(t)
			if _, err := o.source.Engine.Exec(t.Context(), `CREATE TABLE public.slow (id integer);
				INSERT INTO public.slow SELECT generate_series(1, 1000); GRANT SELECT ON public.slow TO PUBLIC`); err != nil {
				t.Fatal(err)
			}
			o.must(t, "init")
			o.must(t, o.link(redshiftsim.User)...)
			o.must(t, "add-view", "bi.slow", "--link", "dw", "--table", "public.slow")
			o.source.Throttle(1) // a row a second: a quarter of an hour for all

			process := exec.CommandContext(t.Context(), os.Args[0], args...)
			process.Env = append(os.Environ(), asProcess+"=1", "DATABASE_URL="+cache.URL)
			var stdout, stderr bytes.Buffer
			process.Stdout, process.Stderr = &stdout, &stderr
			if err := process.Start(); err != nil {
				t.Fatal(err)
			}
			await(t, pool, `SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
				AND state = 'active' AND query ~ 'REFRESH|dblink.*slow' AND pid <> pg_backend_pid()`)
			if err := process.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			_ = process.Wait() // the status says more
			if status := process.ProcessState.ExitCode(); status != exitFailed {
				t.Errorf("exit status %d, want %d", status, exitFailed)
			}
			if !strings.Contains(stderr.String(), "interrupted; what was running has been cancelled") {
				t.Errorf("stderr does not say that it was interrupted:\n%s", stderr.String())
			}
			await(t, pool, `SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory'
				AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
			await(t, o.source.Engine, `SELECT count(*) = 0 FROM pg_stat_activity
				WHERE datname = current_database() AND query ~ 'slow' AND state = 'active' AND pid <> pg_backend_pid()`)
			if args[0] == "refresh" {
				await(t, pool, `SELECT state = 'canceled' FROM redcache.run ORDER BY id DESC LIMIT 1`)
			}
		})
	}
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// await asks until the answer is true.
func await(t *testing.T, db querier, question string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		var yes bool
		if err := db.QueryRow(ctx, `SELECT (`+question+`) FROM pg_sleep(0.02)`).Scan(&yes); err != nil {
			t.Fatalf("still not true: %s: %v", question, err)
		}
		if yes {
			return
		}
	}
}

// What could not be written has not been said: that is a failure, of help and version too.
func TestRun_FailsWhenNobodyCanReadIt(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"--help", "help", "help link add", "link add --help", "--version", "version", "completion bash"} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			need.Missing(t, "what becomes of answers that cannot be written: there is no /dev/full")
		}
		defer func() { _ = full.Close() }()
		var stderr bytes.Buffer
		status := run(t.Context(), strings.Fields(args), func(string) (string, bool) { return "", false }, strings.NewReader(""), full, &stderr)
		if status != exitFailed || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("%s: exit status %d, %q; want %d", args, status, stderr.String(), exitFailed)
		}
	}
}
