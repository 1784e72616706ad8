package redshift_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/redshift"
)

// bare are queries with literals that have no type of their own, and what must arrive of the column v.
var bare = []struct{ name, query, want string }{
	{"a literal", "SELECT 'web' AS v", "web"},
	{"an empty literal", "SELECT '' AS v", ""},
	{"NULL", "SELECT NULL AS v", "NULL"},
	{"among others", "SELECT 'web' AS v, 'x'::varchar(3) AS w, 1 AS n, NULL AS nothing, 'y' AS z", "web"},
	{"of a subquery", "SELECT v, id FROM (SELECT 'web' AS v, id FROM source) s", "web"},
	{"of WITH", "WITH s AS (SELECT 'web' AS v, id FROM source) SELECT v FROM s", "web"},
	{"of an outer join", "SELECT b.v FROM source s LEFT JOIN (SELECT 8 AS id, 'web' AS v FROM source) b ON b.id = s.id", "NULL"},
	{"of a union", "SELECT 'web' AS v UNION ALL SELECT 'web'", "web"},
	{"in a group", "SELECT 'web' AS v, count(*) AS n FROM source GROUP BY v", "web"},
	{"distinct", "SELECT DISTINCT 'web' AS v FROM source", "web"},
}

// underBareLiterals runs a test for each way in which Redshift is said to take a literal without a type.
func underBareLiterals(t *testing.T, test func(t *testing.T, b *linktest.Bundle)) {
	for _, literals := range redshiftsim.Bares {
		t.Run(literals.String(), func(t *testing.T) {
			t.Parallel()
			b := linktest.New(t)
			linktest.Exec(t, b.Warehouse.Engine, "CREATE TABLE source AS SELECT 7 AS id")
			b.Warehouse.Literals(t, literals)
			test(t, b)
		})
	}
}

func TestDescribe_LivesWithLiteralsWithoutAType(t *testing.T) {
	t.Parallel()
	underBareLiterals(t, func(t *testing.T, b *linktest.Bundle) {
		for _, test := range bare {
			b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
				columns, err := redshift.Describe(t.Context(), s, test.query)
				if err != nil {
					t.Fatalf("%s: %v", test.name, err)
				}
				remote, err := redshift.Select(columns, test.query, "", redshift.StripNUL)
				if err != nil {
					t.Fatal(err)
				}
				read := "SELECT DISTINCT coalesce(v, 'NULL') FROM (" + dblink.Select(s.Schema(), "dw", columns, remote) + ") r"
				if got := linktest.Text(t, tx, read); got != test.want {
					t.Errorf("%s: got %q, want %q", test.name, got, test.want)
				}
				for _, c := range columns {
					if c.Name == "v" && c.Type.Local != "text" {
						t.Errorf("%s: %s became %s", test.name, c.RemoteType, c.Type.Local)
					}
				}
			})
		}
	})
}

// A column that is a literal is hashed with the others, whatever type Redshift gives it: it changes with the query, or by
// an outer join, and hides no change of the rest.
func TestFingerprint_HashesLiteralsWithoutAType(t *testing.T) {
	t.Parallel()
	underBareLiterals(t, func(t *testing.T, b *linktest.Bundle) {
		queries := []string{
			"SELECT id, $$web$$ AS v, null AS n FROM source", `SELECT id, 'a''b\\c' "a ""b" FROM source`,
			"WITH a AS (SELECT 'web' AS channel, id FROM source) SELECT * FROM a JOIN (SELECT DISTINCT '' AS w) b ON true",
			"SELECT id, 'x' AS \"select\", EXISTS (SELECT 'y' AS y) AS one, 'z' AS z FROM source -- 'c' AS c",
		}
		for _, test := range bare {
			queries = append(queries, test.query)
		}
		b.InSession(t, func(_ pgx.Tx, s *dblink.Session) {
			for _, query := range queries {
				before := mustFingerprint(t, s, query)
				if again := mustFingerprint(t, s, query); again != before {
					t.Errorf("%s: %s, then %s", query, before, again)
				}
				if other := mustFingerprint(t, s, strings.Replace(query, "web", "shop", 1)); other == before && strings.Contains(query, "web") {
					t.Errorf("%s: another literal is not seen", query)
				}
				linktest.Exec(t, b.Warehouse.Engine, "UPDATE source SET id = id + 1")
				if after := mustFingerprint(t, s, query); after == before && strings.HasPrefix(query, "SELECT id") {
					t.Errorf("%s: a change is not seen", query)
				}
			}
		})
	})
}

func mustFingerprint(t *testing.T, s *dblink.Session, query string) string {
	t.Helper()
	columns, err := redshift.Describe(t.Context(), s, query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	found, err := redshift.Fingerprint(t.Context(), s, columns, query, "")
	if err != nil {
		t.Errorf("%s: %v", query, err)
	}
	return found
}

// What has no type for another reason says that it cannot be hashed: a table that was made of such a literal.
func TestFingerprint_RefusesWhatHasNoType(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	b.Warehouse.Literals(t, redshiftsim.BareUnknown)
	linktest.Exec(t, b.Warehouse.Engine, "CREATE TABLE source AS SELECT 1 AS id, 'web'::text::pg_catalog.redshift_unknown AS v")
	b.InSession(t, func(_ pgx.Tx, s *dblink.Session) {
		for _, query := range []string{"SELECT id, v FROM source", "SELECT v FROM source UNION ALL SELECT v FROM source"} {
			columns, err := redshift.Describe(t.Context(), s, query)
			if err != nil {
				t.Fatal(err)
			}
			_, err = redshift.Fingerprint(t.Context(), s, columns, query, "")
			what, hint := redshift.Explain(err)
			linktest.Contains(t, what, `column "v" has type "unknown", whose values Redshift cannot hash`)
			linktest.Contains(t, hint, "::varchar AS v")
		}
	})
}

// Lengths that CREATE TABLE AS tells are hints: what is longer arrives whole.
func TestDescribe_TakesLengthsForHints(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	linktest.Exec(t, b.Warehouse.Engine, "CREATE TABLE source AS SELECT 1 AS id, 'a long text'::varchar(20) AS v, 'abc'::char(5) AS c, 8::bigint AS n")
	for _, test := range []struct{ query, told, local, want string }{
		{"SELECT trim(v) AS v FROM source", "character varying(1)", "text", "a long text"},
		{"SELECT v FROM source", "character varying(5)", "text", "a long text"},
		{"SELECT c AS v FROM source", "character(1)", "bpchar", "abc"},
		{"SELECT NULL::bigint AS v UNION ALL SELECT n FROM source ORDER BY 1", "character varying(1)", "text", "8"},
		{"SELECT n AS v FROM source", "character varying(16)", "text", "8"},
		{"SELECT '2024-01-01'::date AS v FROM source", "character varying(256)", "text", "2024-01-01"},
	} {
		linktest.Exec(t, b.Warehouse.Engine, "DELETE FROM redshift.typing")
		b.Warehouse.Mistype(t, "v", test.told)
		b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
			columns, err := redshift.Describe(t.Context(), s, test.query)
			if err != nil {
				t.Fatalf("%s: %v", test.query, err)
			}
			remote, err := redshift.Select(columns, test.query, "", redshift.StripNUL)
			if err != nil {
				t.Fatal(err)
			}
			if columns[0].Type.Local != test.local {
				t.Errorf("%s: %s became %s", test.query, columns[0].RemoteType, columns[0].Type.Local)
			}
			read := "SELECT max(v::text) FROM (" + dblink.Select(s.Schema(), "dw", columns, remote) + ") r"
			if got := linktest.Text(t, tx, read); got != test.want {
				t.Errorf("%s: got %q, want %q", test.query, got, test.want)
			}
		})
	}
}
