package redshift_test

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/sql"
)

func FuzzLiteral(f *testing.F) {
	for _, s := range linktest.Texts {
		f.Add(s)
	}
	b := linktest.New(f)
	tx, err := b.Connect(f).Begin(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	session := linktest.Open(f, tx, "dw")
	f.Fuzz(func(t *testing.T, s string) {
		quoted, err := redshift.Literal(s)
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

func FuzzIdent(f *testing.F) {
	for _, s := range linktest.Texts {
		f.Add(s)
	}
	b := linktest.New(f)
	local := b.Connect(f)
	remote := b.ConnectRemote(f)
	f.Fuzz(func(t *testing.T, s string) {
		quoted, err := redshift.Ident(s)
		refused := s == "" || strings.Contains(s, "\x00") || len(s) > 127
		if (err != nil) != refused {
			t.Fatalf("%q: got %v", s, err)
		}
		if refused || !utf8.ValidString(s) || len(s) > 63 {
			return
		}
		if got := columnName(t, local, sql.Ident(s)); got != s {
			t.Fatalf("%q became %s, which PostgreSQL reads as %q", s, sql.Ident(s), got)
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
