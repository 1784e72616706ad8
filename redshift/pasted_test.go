package redshift_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/sql"
)

// A statement that is shown is the one that runs: whatever is in its names, literals and comments, all of it is seen, and it does the
// same when it is pasted.
func TestPastedStatement_DoesTheSame(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool(t)
	const odd = "a\x1b[2J\u202e\u200b\t'\"\\ \U000e0041\u009bé\n\r$$"
	double := func(s, quote string) string { return quote + strings.ReplaceAll(s, quote, quote+quote) + quote }
	for _, sql := range []string{
		"SELECT 'plain' AS plain",
		"SELECT " + double(odd, "'"),
		"SELECT " + sql.Literal(odd),
		"SELECT e'\\\\\x1b\\\t\\'\x1b'",
		"SELECT E'a\\\x1bb'",
		"SELECT $$" + strings.ReplaceAll(odd, "$$", "") + "$$, $a$'\x1b\\n$a$, $$$$",
		"SELECT x." + double(odd, `"`) + " FROM (SELECT 'v' AS " + double(odd, `"`) + ") AS x",
		`SELECT U&"d\0061t\001ba" FROM (SELECT 'v' AS U&"d\0061t\001ba", '` + "\x1b') x",
		"SELECT x.Ab\u200bÖ FROM (SELECT 'v' AS aB\u200bÖ) x",
		"SELECT\t1\r\n+\f2 -- and\x1b so 'on\r\n, 4 /* \u202e ' */\r, '\x1b'",
		"SELECT 1 -- \x1b\r, 2",
		"-- a\tb\x1b\nSELECT 'it''s \x1b'",
		"SELECT 5&U FROM (SELECT 3 AS u, '\x1b') x",
	} {
		shown := redshift.PastedStatement(sql)
		if infra.PrintableLines(shown) != shown {
			t.Errorf("%q: not all is seen of %q", sql, shown)
		}
		if got, want := answer(t, pool, shown), answer(t, pool, sql); got != want {
			t.Errorf("%q is shown as\n%s, which is %q, want %q", sql, shown, got, want)
		}
	}
	for _, broken := range []string{"SELECT '\x1b", "SELECT \"\x1b", "SELECT $$\x1b", "/* \x1b", "\x1b", "E'\\", "E'\x1b\\"} {
		if shown := redshift.PastedStatement(broken); infra.PrintableLines(shown) != shown {
			t.Errorf("%q: not all is seen of %q", broken, shown)
		}
	}
}

// answer is what a statement returns: its columns with their values, in their order.
func answer(t *testing.T, pool *pgxpool.Pool, sql string) (columns string) {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatalf("%q: %v", sql, err)
	}
	defer rows.Close()
	for rows.Next() {
		for i, value := range rows.RawValues() {
			columns += fmt.Sprintf("%q=%q ", rows.FieldDescriptions()[i].Name, value)
		}
	}
	if err := rows.Err(); err != nil {
		t.Errorf("%q: %v", sql, err)
	}
	return columns
}
