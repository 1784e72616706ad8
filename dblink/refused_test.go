package dblink_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
)

// What Redshift refuses of a query without a word on what to do is explained.
func TestExplain_SaysHowToWriteWhatRedshiftRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mustExec(t, b.warehouse.Engine, "CREATE TABLE source AS SELECT 7 AS id")
	for query, hint := range map[string]string{
		"SELECT n FROM (WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r) x": "the query's beginning",
		"SELECT upper(v) AS v FROM (SELECT 'web' AS v) x":                                                                "'web'::varchar(9)",
		"SELECT id, sum(id) OVER (ORDER BY id) AS n FROM source":                                                         "ROWS UNBOUNDED PRECEDING",
		"SELECT id, current_schema() AS s FROM source":                                                                   "GETDATE()",
		"SELECT s.id FROM source s JOIN pg_class c ON c.relpages = s.id":                                                 "GETDATE()",
	} {
		b.inSession(t, func(tx pgx.Tx, s *dblink.Session) {
			inSavepoint(t, tx, func(pgx.Tx) {
				_, err := s.Describe(t.Context(), query)
				what, got := dblink.Explain(err)
				mustContain(t, what, "Redshift refuses the query")
				mustContain(t, got, hint)
				if dblink.Classify(err) != dblink.Never {
					t.Errorf("%s: it would be tried again", query)
				}
			})
		})
	}
}
