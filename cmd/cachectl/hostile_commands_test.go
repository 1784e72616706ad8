package main

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// kindsOfLies is one lie of each kind, which any command may meet.
var kindsOfLies = []struct {
	name string
	tell tell
}{
	{"an error of 5 MB", instead(append(failing(strings.Repeat("\x1b[2J\u202e\xff", 5<<17)), "Z\x00\x00\x00\x05I"...))},
	{"notices", before(bytes.Repeat(notice("\x1b]0;owned\x07 all work and no play"), 2000))},
	{"65,535 columns", description(make([]string, 65_535)...)},
	{"a name of 5 MB", description("id", strings.Repeat("\x1b", 5<<20))},
	{"a message that nobody knows", before([]byte("!\x00\x00\x00\x06\x1bx"))},
}

// Whatever a server says to a command that makes, tries or describes something: it ends in time, prints nothing raw or long,
// says what to do, and leaves no session, lock or relation.
func TestRun_AServerThatLiesToOtherCommandsDoesNoHarm(t *testing.T) {
	t.Parallel()
	for _, lie := range kindsOfLies {
		t.Run(lie.name, func(t *testing.T) {
			t.Parallel()
			cache := pgtest.New(t)
			o, liar := lied(t, cache)
			for on, commands := range map[string][][]string{
				"": {
					{"link", "test", "dw"},
					{
						"link", "add", "other", "--host", "127.0.0.1", "--port", strconv.Itoa(liar.Port()), "--database", o.source.Name,
						"--user", redshiftsim.User, "--password-env", "DW_PASSWORD", "--sslmode", "disable",
					},
					{"doctor"},
				},
				"public.src": {
					{"add-view", "bi.three", "--link", "dw", "--query", "select id, note from public.src", "--key", "id", "--timeout", "1s"},
					{"alter-view", "bi.stream", "--describe"},
				},
			} {
				for _, args := range commands {
					liar.Lie(on, 'T', lie.tell)
					start := time.Now()
					got, stdout, stderr := o.run(t.Context(), args...)
					took := time.Since(start)
					if liar.Told() == 0 {
						t.Errorf("%q: nobody was lied to", args)
					}
					if took > 30*time.Second {
						t.Errorf("%q: it took %s", args, took)
					}
					if got != exitDone && args[0] != "doctor" && !strings.Contains(stdout+stderr, "hint: ") {
						t.Errorf("%q: no hint:\n%.2000s", args, stdout+stderr)
					}
					wantHarmless(t, lie.name+", "+args[0], stdout+stderr)
				}
			}
			liar.Truth()
			wantNothingLeft(t, o, cache.AdminPool(t))
		})
	}
}
