package dblink_test

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/pgtest"
)

// seeds are texts that have broken quoting somewhere.
var seeds = []string{
	"", "plain", `'`, `''`, `\`, `\'`, `\\'`, `'\`, `a\`, `'; DROP TABLE x; --`, `\'; DROP TABLE x; --`, `"`, `""`, `E'x'`,
	"line\nbreak", "\r", "$$", "$a$", "%s", `Weird Name; drop table x`, "größe 🚀", "\u2028", "select", "/*", "--", "NULL",
}

func FuzzRemoteLiteral(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	b := setup(f)
	tx, err := connect(f, b).Begin(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	session := mustOpen(f, tx, "dw")
	f.Fuzz(func(t *testing.T, s string) {
		quoted, err := dblink.RemoteLiteral(s)
		if strings.Contains(s, "\x00") {
			if err == nil {
				t.Fatalf("%q: accepted a zero byte", s)
			}
			return
		}
		if got, ok := readRemote(quoted); !ok || got != s {
			t.Fatalf("%q became %s, which reads as %q", s, quoted, got)
		}
		if !utf8.ValidString(s) {
			return // no statement can hold it
		}
		row, err := session.Row(context.WithoutCancel(t.Context()), "SELECT "+quoted, 1)
		if err != nil {
			t.Fatal(err)
		}
		if *row[0] != s {
			t.Fatalf("%q became %s, which Redshift reads as %q", s, quoted, *row[0])
		}
	})
}

// readRemote reads a literal as PostgreSQL 8.0 does, and tells whether it ends where the text ends.
func readRemote(literal string) (string, bool) {
	body, opened := strings.CutPrefix(literal, "'")
	var value strings.Builder
	for i := 0; opened && i < len(body); i++ {
		switch {
		case body[i] == '\'' && strings.HasPrefix(body[i+1:], "'"), body[i] == '\\' && strings.HasPrefix(body[i+1:], `\`):
			i++
		case body[i] == '\'':
			return value.String(), i == len(body)-1
		case body[i] == '\\':
			return "", false
		}
		value.WriteByte(body[i])
	}
	return "", false
}

func FuzzLiteral(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	var conns []*pgx.Conn
	for _, conforming := range []string{"on", "off"} {
		conn := connect(f, setup(f))
		mustExec(f, conn, "SET standard_conforming_strings TO "+conforming)
		conns = append(conns, conn)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		for _, conn := range conns {
			got := mustText(t, conn, "SELECT "+dblink.Literal(s)+"::text")
			if got != strings.ReplaceAll(s, "\x00", "") {
				t.Fatalf("%q became %s, which reads as %q", s, dblink.Literal(s), got)
			}
		}
	})
}

func FuzzIdent(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	b := setup(f)
	local := connect(f, b)
	remote := connectRemote(f, b)
	f.Fuzz(func(t *testing.T, s string) {
		quoted, err := dblink.RemoteIdent(s)
		refused := s == "" || strings.Contains(s, "\x00") || len(s) > 127
		if (err != nil) != refused {
			t.Fatalf("%q: got %v", s, err)
		}
		if refused || !utf8.ValidString(s) || len(s) > 63 {
			return
		}
		if got := columnName(t, local, dblink.Ident(s)); got != s {
			t.Fatalf("%q became %s, which PostgreSQL reads as %q", s, dblink.Ident(s), got)
		}
		if got := columnName(t, remote, quoted); !strings.EqualFold(got, s) { // Redshift folds
			t.Fatalf("%q became %s, which Redshift reads as %q", s, quoted, got)
		}
	})
}

func columnName(t testing.TB, conn *pgx.Conn, quoted string) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT 1 AS "+quoted, pgx.QueryExecModeExec)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Fatalf("SELECT 1 AS %s: %v", quoted, rows.Err())
	}
	return rows.FieldDescriptions()[0].Name
}

// connect opens a connection to the cache database.
func connect(t testing.TB, b *bundle) *pgx.Conn {
	t.Helper()
	return pgtest.Connect(t, b.cache.Config().ConnString())
}

// connectRemote opens a connection to the warehouse as the link's login.
func connectRemote(t testing.TB, b *bundle) *pgx.Conn {
	t.Helper()
	return pgtest.Connect(t, b.warehouse.UserURL())
}
