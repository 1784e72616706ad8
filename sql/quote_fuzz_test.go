package sql_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/sql"
)

func FuzzLiteral(f *testing.F) {
	for _, s := range linktest.Texts {
		f.Add(s)
	}
	var conns []*pgx.Conn
	for _, conforming := range []string{"on", "off"} {
		conn := linktest.Connect(f, pgtest.New(f).URL)
		linktest.Exec(f, conn, "SET standard_conforming_strings TO "+conforming)
		conns = append(conns, conn)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		for _, conn := range conns {
			got := linktest.Text(t, conn, "SELECT "+sql.Literal(s)+"::text")
			if got != strings.ReplaceAll(s, "\x00", "") {
				t.Fatalf("%q became %s, which reads as %q", s, sql.Literal(s), got)
			}
		}
	})
}
