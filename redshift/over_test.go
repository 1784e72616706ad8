package redshift_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/redshift"
)

// recursive is how a query's WITH can begin; each counts n from 1 to 3. Redshift takes no recursion within a subquery.
var recursive = []string{
	"WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n, n * 2 AS v FROM r",
	"with recursive r(n) as (select 1 union all select n + 1 from r where n < 3) select n, n * 2 as v from r order by n limit 3 -- no end",
	"(WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n, n * 2 AS v FROM r)",
	"/* a (note) */ ( ( WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3)\n-- more\nSELECT n, n * 2 AS v FROM r ) )",
	"WITH RECURSIVE q (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM q WHERE n < 3) SELECT q.n, q.n * 2 AS v FROM q",
	"WITH RECURSIVE redcache_describe (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM redcache_describe WHERE n < 3), " +
		`"b ) c" AS (SELECT n, n * 2 AS v FROM redcache_describe) SELECT n, v FROM "b ) c"`,
	"WITH one AS (SELECT 1 AS n), two (n) AS (SELECT 2) SELECT n, n * 2 AS v FROM one UNION ALL SELECT n, n * 2 FROM two UNION ALL SELECT 3, 6",
	"WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3)SELECT n, n * 2 AS v FROM r WHERE n IN (SELECT n FROM r)",
}

func TestOver_HoistsWITH(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	for _, query := range recursive {
		b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
			columns, err := redshift.Describe(t.Context(), s, query)
			if err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			remote, err := redshift.Select(columns, redshift.Limited(query, 3), "q.n > 1", redshift.StripNUL)
			if err != nil {
				t.Fatal(err)
			}
			if got := linktest.Text(t, tx, "SELECT sum(v)::text FROM ("+dblink.Select(s.Schema(), "dw", columns, remote)+") l"); got != "10" {
				t.Errorf("%s: got %s, want 10", query, got)
			}
			print, err := redshift.Fingerprint(t.Context(), s, columns, query, "n")
			if err != nil {
				t.Errorf("%s: fingerprint %q, %v", query, print, err)
			}
			ends, err := s.Row(t.Context(), redshift.RangeSQL(query, `"n"`), 2)
			if err != nil || *ends[0] != "1" || *ends[1] != "3" {
				t.Errorf("%s: ends %v, %v", query, ends, err)
			}
			if found, err := redshift.FindDuplicateKeys(t.Context(), s, query, []string{"n"}); err != nil || len(found) > 0 {
				t.Errorf("%s: duplicates %v, %v", query, found, err)
			}
			if found, err := redshift.FindNullKeys(t.Context(), s, query, []string{"n"}); err != nil || len(found) > 0 {
				t.Errorf("%s: nulls %v, %v", query, found, err)
			}
		})
	}
}

// What is recursive within the query is Redshift's to refuse, in its own words.
func TestOver_LeavesRecursionInsideToRedshift(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
		linktest.InSavepoint(t, tx, func(pgx.Tx) {
			_, err := redshift.Describe(t.Context(), s, "SELECT n FROM (WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r) x")
			if err == nil {
				t.Fatal("it was described")
			}
			linktest.Contains(t, err.Error(), "Recursive CTE in subquery are not supported.")
		})
	})
}

func TestOver_FindsBadTextBehindWITH(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	linktest.Exec(t, b.Warehouse.Engine, "CREATE TABLE odd AS SELECT 7 AS id, $1::varchar(9) AS v", "a\uf8ff")
	const query = "WITH RECURSIVE r (n) AS (SELECT 7 UNION ALL SELECT n + 1 FROM r WHERE n < 9) SELECT o.id, o.v FROM odd o JOIN r ON r.n = o.id"
	b.InSession(t, func(_ pgx.Tx, s *dblink.Session) {
		columns, err := redshift.Describe(t.Context(), s, query)
		if err != nil {
			t.Fatal(err)
		}
		found, err := dblink.FindBadText(t.Context(), s, columns, query, []string{"id"})
		if err != nil || len(found) != 1 || found[0].Key != "id = 7" {
			t.Errorf("got %v, %v", found, err)
		}
	})
}
