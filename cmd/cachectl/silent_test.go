package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// silences are where a server that has taken the login may fall silent.
var silences = []struct {
	name string
	on   string
	at   byte
}{
	{"to everything", "", 'T'},
	{"instead of being ready", "", 'Z'},
	{"after the login of libpq and pgx", "pg_backend_pid", 'T'},
}

// trials are the commands that try a link, or describe a query, and wait for no data.
func trials(t *testing.T, o *operator, port int) [][]string {
	dir := writeView(t, t.TempDir(), "four", "-- @timeout 1s\nselect id, note from public.src")
	return [][]string{
		{"apply", dir},
		{"link", "test", "dw"},
		{"link", "test", "dw", "--json"},
		{
			"link", "add", "other", "--host", "127.0.0.1", "--port", strconv.Itoa(port), "--database", o.source.Name,
			"--user", redshiftsim.User, "--password-env", "DW_PASSWORD", "--sslmode", "disable",
		},
		{"link", "rotate", "dw", "--password-env", "DW_PASSWORD"},
		{"add-view", "bi.three", "--link", "dw", "--query", "select id, note from public.src", "--key", "id", "--timeout", "1s"},
		{"alter-view", "bi.stream", "--describe"},
		{"doctor"},
	}
}

// Of a server that says nothing, no command waits longer than it says: 20 s for what costs nothing, or the view's timeout, and 5 s
// for the server to end it. It says who is silent and what to do, and leaves nothing behind.
func TestRun_NobodyWaitsLongForASilentServer(t *testing.T) {
	t.Parallel()
	for _, silence := range silences {
		t.Run(silence.name, func(t *testing.T) {
			t.Parallel()
			cache := pgtest.New(t)
			o, liar := lied(t, cache)
			liar.Lie(silence.on, silence.at, drip(func(int) []byte { return nil }))
			ctx := dblink.WithWaits(t.Context(), dblink.Waits{Trial: time.Second, Silence: 500 * time.Millisecond})
			var all sync.WaitGroup
			for _, args := range trials(t, o, liar.Port()) {
				all.Go(func() {
					start := time.Now()
					status, stdout, stderr := o.run(ctx, args...)
					took, want := time.Since(start), map[bool]int{true: exitFound, false: exitFailed}[args[0] == "doctor"]
					if t.Logf("%q: %d after %s\n%s%s", args, status, took, stdout, stderr); status != want || took > 8*time.Second {
						t.Errorf("%q: exit status %d after %s", args, status, took)
					}
					found, wrong := advicesIn((&program{}).command(), stdout+stderr)
					for _, a := range found {
						if args[0] != "doctor" && a.repeats((&program{}).command(), args) || slices.Contains(a.args, "other") {
							wrong = append(wrong, fmt.Sprint("it advises what has just failed, or what is not there: ", a.cmd.CommandPath(), a.args))
						}
					}
					if len(wrong) > 0 {
						t.Errorf("%q: %q", args, wrong)
					}
					if said := stdout + stderr; !strings.Contains(said, "Redshift has not answered within 1.5s") || !strings.Contains(said, "Look at Redshift and the network to it") {
						t.Errorf("%q: it does not say who is silent, and what to do:\n%s", args, said)
					}
				})
			}
			all.Wait()
			if liar.Told() == 0 {
				t.Error("nobody was met by silence")
			}
			liar.Truth()
			wantNothingLeft(t, o, cache.AdminPool(t))
			o.must(t, "alter-view", "bi.stream", "--describe")
		})
	}
}

// Whoever interrupts a command that waits for a silent server waits no longer, whatever the limit is.
func TestRun_InterruptEndsWaitingForASilentServer(t *testing.T) {
	t.Parallel()
	for _, silence := range silences {
		t.Run(silence.name, func(t *testing.T) {
			t.Parallel()
			cache := pgtest.New(t)
			o, liar := lied(t, cache)
			liar.Lie(silence.on, silence.at, drip(func(int) []byte { return nil }))
			var all sync.WaitGroup
			for _, args := range trials(t, o, liar.Port()) {
				all.Go(func() {
					ctx, interrupt := context.WithCancel(t.Context())
					defer interrupt()
					defer time.AfterFunc(time.Second, interrupt).Stop()
					start := time.Now()
					status, _, stderr := o.run(ctx, args...)
					took := time.Since(start)
					if t.Logf("%q: %d after %s\n%s", args, status, took, stderr); status != exitFailed || took > 8*time.Second || !strings.Contains(stderr, "interrupted") {
						t.Errorf("%q: exit status %d after %s:\n%s", args, status, took, stderr)
					}
				})
			}
			all.Wait()
			liar.Truth()
			wantNothingLeft(t, o, cache.AdminPool(t))
		})
	}
}
