package main

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
)

func TestErrorText_IsForPeople(t *testing.T) {
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
			"joined errors stay on a line, and the first hint counts", "a: one; two", "first",
			doing(errors.Join(infra.Hinted(errors.New("one"), "first"), infra.Hinted(errors.New("two"), "second")), "a"),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := errorText(tt.err); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			if got := hint(tt.err); got != tt.hint {
				t.Errorf("got hint %q, want %q", got, tt.hint)
			}
		})
	}
}
