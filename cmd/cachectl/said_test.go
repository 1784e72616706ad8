package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/redshift/session"
)

func TestSaid_IsForPeople(t *testing.T) {
	t.Parallel()
	holder := lock.Holder{PID: 7, Application: "redcache worker", Since: time.Date(2026, 2, 1, 12, 3, 4, 0, time.UTC)}
	for _, tt := range []struct {
		name, want, hint string
		err              error
	}{
		{
			"a server's error loses severity and SQLSTATE", "drop view bi.a: no such thing", "PostgreSQL says: look again",
			doing(&pgconn.PgError{Severity: "ERROR", Code: "42P01", Message: "no such thing", Hint: "look again"}, "drop view bi.a"),
		},
		{
			"a failed connection has its cause in the detail", "test link dw: could not establish connection: FATAL: no", "",
			doing(&pgconn.PgError{Code: "08001", Message: "could not establish connection", Detail: "FATAL: no"}, "test link dw"),
		},
		{
			"what was being done is said once", "drop view bi.a: in use", "",
			doing(errors.New("drop view bi.a: in use"), "drop view bi.a"),
		},
		{
			"the object is said once", "alter view bi.a: no key", "name one",
			doing(&catalog.InvalidError{What: "view bi.a", Problem: "no key", Fix: "name one"}, "alter view bi.a"),
		},
		{
			"a holder is named, not the lock's number", "drop view bi.a: held by pid 7 (redcache worker) since 12:03:04 UTC",
			"`cachectl locks` shows who holds what; try again when that has ended",
			doing(fmt.Errorf("drop view bi.a: %w", &lock.HeldError{ViewID: 4, Holder: holder, Known: true}), "drop view bi.a"),
		},
		{
			"a full link, too", "refresh view bi.a: wait for the link: all slots are taken, by pid 7 (redcache worker) since 12:03:04 UTC",
			"`cachectl locks` shows who holds what; try again when that has ended",
			doing(&lock.BusyError{LinkID: 4, Holders: []lock.Held{{Holder: holder}}}, "refresh view bi.a"),
		},
		{
			"a missing right has a hint", "init: permission denied",
			"DATABASE_URL has to name the role that made schema redcache, and that one needs CREATE and " +
				"TEMPORARY on the database",
			doing(&pgconn.PgError{Code: "42501", Message: "permission denied"}, "init"),
		},
		{
			"joined errors stay on a line, and the first hint counts", "a: one two", "first",
			doing(errors.Join(infra.Hinted(errors.New("one"), "first"), infra.Hinted(errors.New("two"), "second")), "a"),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := said(tt.err); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			if got := hint(tt.err); got != tt.hint {
				t.Errorf("got hint %q, want %q", got, tt.hint)
			}
		})
	}
}

func TestPrintable_KeepsATerminalAsItIs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"süd, 東": "süd, 東", "a\nb\tc": `a\nb\tc`, "\x1b[2Jgone": `\x1b[2Jgone`, "\u009b2J": `\x9b2J`,
	} {
		if got := printable(text); got != want {
			t.Errorf("printable(%q): got %q, want %q", text, got, want)
		}
	}
}

func TestBrief_IsAsPreciseAsNeeded(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 12345 * time.Microsecond: "12ms", 3249 * time.Millisecond: "3.2s", 252 * time.Second: "4m12s",
		3*time.Hour + 5*time.Minute + 9*time.Second: "3h5m", 51 * time.Hour: "2d3h", 24 * time.Hour: "1d",
	} {
		if got := brief(d); got != want {
			t.Errorf("brief(%s): got %s, want %s", d, got, want)
		}
	}
}

// What is said of an interruption is what the servers have said, and no more.
func TestFail_TellsWhatBecameOfWhatWasRunning(t *testing.T) {
	t.Parallel()
	over := &pgconn.PgError{Code: "57014", Message: "canceling statement due to user request"}
	for _, tt := range []struct {
		name, want string
		err        error
	}{
		{"cancelled here", "refresh: interrupted; what was running has been cancelled on the cache database", over},
		{"cancelled there", "refresh: interrupted; what was running has been cancelled on Redshift", &session.Failure{Err: over}},
		{"unknown", "refresh: interrupted", errors.New("connection lost")},
		{
			"refused", "refresh: interrupted; the statement may still run on Redshift: permission denied",
			errors.Join(over, &infra.StillRunning{Err: errors.New("permission denied")}),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			var told strings.Builder
			(&program{stderr: &told}).fail(ctx, doing(tt.err, "refresh"))
			if got, _, _ := strings.Cut(told.String(), "\n"); got != "cachectl: "+tt.want {
				t.Errorf("got  %q\nwant %q", got, "cachectl: "+tt.want)
			}
		})
	}
}
