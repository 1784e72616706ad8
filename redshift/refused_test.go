package redshift_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/redshift"
)

// What Redshift refuses of a query without a word on what to do is explained.
func TestExplain_SaysHowToWriteWhatRedshiftRefuses(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	linktest.Exec(t, b.Warehouse.Engine, "CREATE TABLE source AS SELECT 7 AS id")
	for query, hint := range map[string]string{
		"SELECT n FROM (WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r) x": "the query's beginning",
		"SELECT upper(v) AS v FROM (SELECT 'web' AS v) x":                                                                "'web'::varchar(9)",
		"SELECT id, sum(id) OVER (ORDER BY id) AS n FROM source":                                                         "ROWS UNBOUNDED PRECEDING",
		"SELECT id, current_schema() AS s FROM source":                                                                   "GETDATE()",
		"SELECT s.id FROM source s JOIN pg_class c ON c.relpages = s.id":                                                 "GETDATE()",
	} {
		b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
			linktest.InSavepoint(t, tx, func(pgx.Tx) {
				_, err := redshift.Describe(t.Context(), s, query)
				what, got := redshift.Explain(err)
				linktest.Contains(t, what, "Redshift refuses the query")
				linktest.Contains(t, got, hint)
				if redshift.Classify(err) != redshift.Never {
					t.Errorf("%s: it would be tried again", query)
				}
			})
		})
	}
}
