package redshiftsim

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/internal/corpus"
)

func TestLex(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, sql string
		want      []string
	}{
		{"words fold", `SELECT Foo_1`, []string{"select", "foo_1"}},
		{"backslash keeps a literal open", `'a\'b;' x`, []string{"a'b;", "x"}},
		{"doubled backslash ends it", `'a\\' x`, []string{`a\`, "x"}},
		{"doubled quote", `'a''b'`, []string{"a'b"}},
		{"quoted name", `"A ""b"";" c`, []string{`A "b";`, "c"}},
		{"nested comment", `a /* x /* ; */ ' */ b -- ' c`, []string{"a", "b"}},
		{"dollar quotes", `$$ ; ' $$ $x$ $$ $x$ $1`, []string{" ; ' ", " $$ ", "$1"}},
		{"casts and numbers", `1.5::int[1]`, []string{"1.5", "::", "int", "[", "1", "]"}},
		{"unterminated literal", `a 'b`, []string{"a", "b"}},
		{"unterminated comment", `a /* b`, []string{"a"}},
		{"unicode", `select "é" as ñ`, []string{"select", "é", "as", "ñ"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, token := range lex(test.sql) {
				got = append(got, token.word)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStatement_FindsUserTables(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, sql string
		want      []string
	}{
		{"qualified and alias", `select 1 from a.b x, "C" as y, d join e on true`, []string{"a.b", "C", "d", "e"}},
		{"subquery", `select * from (select 1 from t) q`, []string{"t"}},
		{"WITH name", `with q as (select 1 from t) select * from q`, []string{"t"}},
		{"functions", `select extract(day from x), trim(both from y), substring(z from 2) from f(1)`, nil},
		{"IS DISTINCT FROM", `select a is distinct from b`, nil},
		{"catalogs", `select 1 from pg_class, pg_catalog.pg_type, svv_table_info`, nil},
		{"inside literals", `select 'from t', "from t" /* from t */`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, split(test.sql)[0].tables); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The lexer must cover its input in order, whatever a client sends.
func FuzzLex(f *testing.F) {
	for _, seed := range []string{`'\`, `"`, `$a$`, `/*/**/`, `--`, "$", `e'\''`, "\x80.5"} {
		f.Add(seed)
	}
	for _, query := range corpus.All() {
		f.Add(query.SQL)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		at := 0
		for _, token := range lex(sql) {
			if token.start < at || token.end <= token.start || token.end > len(sql) {
				t.Fatalf("token %+v after %d of %q", token, at, sql)
			}
			at = token.end
		}
	})
}
