package sql_test

import (
	"testing"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/sql"
)

// A quoted name or text is what it was, on one line in which everything is seen.
func TestQuotedForPeople(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool(t)
	for _, name := range []string{
		"plain", "a\nb", "\x1b[2J", "\u202egnp", `back\slash`, "back\\slash\n", `"`, `""`, "\"\n\"", `a"b` + "\u200b", "\U000e0041", "é\u009b", "'\n'",
		`\000a`, `U&"x` + "\x01", "%s%!d\t$$", "-- x\r", "\ufeff",
	} {
		var read string
		ident, literal := sql.Ident(name), sql.LiteralLine(name)
		if infra.Printable(ident) != ident || infra.Printable(literal) != literal {
			t.Errorf("%q: not all is seen of %q, %q", name, ident, literal)
		}
		rows, err := pool.Query(t.Context(), "SELECT 1 AS "+ident)
		if err != nil {
			t.Fatalf("%s: %v", ident, err)
		}
		if got := rows.FieldDescriptions()[0].Name; got != name {
			t.Errorf("%s is %q, want %q", ident, got, name)
		}
		rows.Close()
		for _, conforming := range []string{"on", "off"} {
			sql := "SELECT " + literal
			tx, err := pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, err = tx.Exec(t.Context(), "SET LOCAL standard_conforming_strings = "+conforming)
			if err == nil {
				err = tx.QueryRow(t.Context(), sql).Scan(&read)
			}
			if err != nil || read != name {
				t.Errorf("%s, %s: got %q, %v, want %q", sql, conforming, read, err, name)
			}
			_ = tx.Rollback(t.Context())
		}
	}
	const detail = "view \"a\nb\" depends on view x.\"p\"\"\nq\"\nview c depends on it, \"open"
	const want = `view U&"a\000ab" depends on view x.U&"p""\000aq"` + "\nview c depends on it, \"open"
	if got := sql.Pasted(detail); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
