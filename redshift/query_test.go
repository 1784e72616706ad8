package redshift_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/redcache/redcache/internal/corpus"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/redshift"
)

var goodQueries = []string{
	"SELECT 1", "select 1 -- the end", "WITH a AS (SELECT 1) SELECT * FROM a", "(SELECT 1) UNION ALL (SELECT 2)",
	"/* a /* nested */ comment; ) */ SELECT ';', ')', \"; )\"", `SELECT 'it\'s; ) fine'`, `SELECT '\\'`, "SELECT $$;')$$",
	"SELECT $a$ $$;) $a$", "SELECT a$$b FROM t", "SELECT 1 AS into", "SELECT t.into FROM t", "\n\tSELECT\r1", "SELECT 'a''b'",
	"SELECT \"a\"\"b;\"", "SELECT 1 -- a 'quote", "SELECT größe FROM t", "SELECT 5 --\r- 1",
	"SELECT 'a\u00a0“b”–', \"c\u200b’\" FROM t -- ’\u00a0", "SELECT /*\u2028*/ 金額, naïve, prix_€ FROM t", "SELECT 1.e5FROM t",
}

var badQueries = []struct {
	query, problem string
	line, column   int
}{
	{"", "is empty", 0, 0},
	{" -- nothing\n", "is empty", 0, 0},
	{"SELECT 1;", "a semicolon", 1, 9},
	{"SELECT 'ü';\n", "a semicolon", 1, 11},
	{"SELECT 1\n) AS q; DROP TABLE x; --", "a closing parenthesis that nothing opened", 2, 1},
	{"SELECT (1", "a parenthesis that is never closed", 1, 8},
	{`SELECT 'a\'`, "a literal that is never closed", 1, 8},
	{"SELECT \"a", "a quoted name that is never closed", 1, 8},
	{"SELECT 1 /* /* */", "a comment that is never closed", 1, 10},
	{"SELECT $a$ $b$", "a literal that starts with $a$ that is never closed", 1, 8},
	{"SELECT 1 -- hidden\r; DROP TABLE x", "a semicolon", 1, 20},
	{"SELECT 1 INTO x", "SELECT … INTO would write to Redshift", 1, 10},
	{"DELETE FROM x", "not a SELECT", 1, 1},
	{"(VALUES (1))", "not a SELECT", 1, 2},
	{"'SELECT'", "not a SELECT", 1, 1},
	{"WITH a AS (DELETE FROM x)", "has no SELECT", 0, 0},
	{"SELECT \x001", "a zero byte", 1, 8},
	{"SELECT '\xff'", "is not valid UTF-8", 0, 0},
	{"\xff\xfeS\x00E\x00", "is UTF-16, not UTF-8", 0, 0},
	{"SELECT\u00a0id FROM t", "a no-break space (U+00A0)", 1, 7},
	{"SELECT id\nFROM t\u202fWHERE 1=1", "a no-break space (U+202F)", 2, 7},
	{"SELECT id FROM t WHERE a = ‘b’", "a typographic quote, ‘ (U+2018)", 1, 28},
	{"SELECT id FROM t WHERE a = “b”", "a typographic quote, “ (U+201C)", 1, 28},
	{"SELECT a – b FROM t", "a typographic dash, – (U+2013)", 1, 10},
	{"SELECT count（*）FROM t", "a typographic sign, （ (U+FF08)", 1, 13},
	{"SELECT a\u200b FROM t", "an invisible character (U+200B)", 1, 9},
	{"SELECT a \ufeffFROM t", "a byte order mark (U+FEFF)", 1, 10},
	{"SELECT a,\u3000b FROM t", "a space that is none (U+3000)", 1, 10},
	{"SELECT a,\vb FROM t", "a control character (U+000B)", 1, 10},
	{"SELECT 1 AS as INTO t", "SELECT … INTO would write to Redshift", 1, 16},
}

func TestCheckQuery(t *testing.T) {
	t.Parallel()
	for _, query := range goodQueries {
		if err := redshift.CheckQuery(query); err != nil {
			t.Errorf("%q: %v", query, err)
		}
	}
	for _, test := range badQueries {
		var got *redshift.QueryError
		if !errors.As(redshift.CheckQuery(test.query), &got) {
			t.Errorf("%q: accepted", test.query)
			continue
		}
		if got.Problem != test.problem || got.Line != test.line || got.Column != test.column || got.Hint() == "" {
			t.Errorf("%q: got %q at %d:%d, want %q at %d:%d",
				test.query, got.Problem, got.Line, got.Column, test.problem, test.line, test.column)
		}
	}
}

func TestReadQuery_TakesOffWhatIsNotOfTheQuery(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"SELECT 1;":                          "SELECT 1",
		"SELECT 1 ; ;\r\n;":                  "SELECT 1  \r\n",
		"SELECT 1; -- done":                  "SELECT 1 -- done",
		"SELECT 1; /* done; /* really */ */": "SELECT 1 /* done; /* really */ */",
		"SELECT 1 -- done;":                  "SELECT 1 -- done;",
		"SELECT ';';":                        "SELECT ';'",
		"SELECT ';'":                         "SELECT ';'",
		"\ufeffSELECT 1;\n":                  "SELECT 1\n",
		"\ufeff-- first\nSELECT 1":           "-- first\nSELECT 1",
		"(SELECT 1);":                        "(SELECT 1)",
		"SELECT 1":                           "SELECT 1",
		"SELECT 1;\u00a0\n\ufeff":            "SELECT 1",
		"SELECT 1\u2028":                     "SELECT 1",
	} {
		got, err := redshift.ReadQuery(text)
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                           "query: is empty",
		";":                          "query: is empty",
		"\ufeff -- nothing; \n ;":    "query: is empty",
		"SELECT 1; SELECT 2;":        "query, line 1 column 9: a semicolon",
		"SELECT 1;\n;-- x\nSELECT 2": "query, line 1 column 9: a semicolon",
		"; SELECT 1":                 "query, line 1 column 1: a semicolon",
		"SELECT ';":                  "query, line 1 column 8: a literal that is never closed",
		"SELECT 1; 'a":               "query, line 1 column 9: a semicolon",
		"\ufeff\ufeffSELECT 1":       "query, line 1 column 1: a byte order mark (U+FEFF)",
	} {
		if _, err := redshift.ReadQuery(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// FuzzCheckQuery asks PostgreSQL with Redshift's kind of literals: an accepted query must stay within the parentheses
// that are put around it, so the whole is never two statements, and nothing in it is left open.
func FuzzCheckQuery(f *testing.F) {
	for _, query := range goodQueries {
		f.Add(query)
	}
	for _, test := range badQueries {
		f.Add(test.query)
	}
	for _, query := range corpus.All() {
		f.Add(query.SQL)
	}
	conn := linktest.New(f).Connect(f)
	linktest.Exec(f, conn, "SET standard_conforming_strings TO off")
	f.Fuzz(func(t *testing.T, query string) {
		if redshift.CheckQuery(query) != nil {
			return
		}
		// 8.0 knows no U&'…', which is read by other rules, and no letters of other kinds before a quote.
		if strings.Contains(strings.ToLower(query), "u&") {
			return
		}
		_, err := conn.Prepare(t.Context(), "", "SELECT * FROM (\n"+query+"\n) AS q")
		if err == nil {
			return
		}
		for _, leak := range []string{"multiple commands", "unterminated"} {
			if strings.Contains(err.Error(), leak) {
				t.Fatalf("%q: %v", query, err)
			}
		}
	})
}
