package redshift_test

import (
	"testing"

	"github.com/redcache/redcache/redshift"
)

func TestLimits_FindsWhatTakesSomeOfMany(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"SELECT id FROM s.t LIMIT 10":                                 "LIMIT",
		"select id from s.t order by id limit/* ten */10":             "limit",
		"SELECT id FROM (SELECT id FROM s.t LIMIT 10) q":              "LIMIT",
		"WITH a AS (SELECT TOP 5 id FROM s.t) SELECT id FROM a":       "TOP",
		"SELECT DISTINCT TOP 5 id FROM s.t":                           "TOP",
		"SELECT id FROM s.t ORDER BY id OFFSET 7":                     "OFFSET",
		"SELECT id FROM s.t ORDER BY id FETCH FIRST 5 ROWS ONLY":      "FETCH",
		"SELECT id FROM s.t WHERE id IN (SELECT id FROM s.u limit 1)": "limit",
		"(SELECT id FROM s.t) UNION ALL (SELECT id FROM s.u LIMIT 1)": "LIMIT",
		"SELECT 'never closed":                                        "a text that cannot be read",
	} {
		if word, limits := redshift.Limits(query); !limits || word != want {
			t.Errorf("%s: got %q, %t, want %q", query, word, limits, want)
		}
	}
	for _, query := range []string{
		"SELECT id FROM s.t", "SELECT t.limit, t.offset, t.top FROM s.t", `SELECT "limit", "offset" FROM s.t -- LIMIT 5`,
		"SELECT id AS limit, n AS top, fetch FROM s.t", "SELECT 'LIMIT 5' AS a FROM s.t /* OFFSET 3 */", "SELECT limits, on_top FROM s.t",
		"SELECT a, top FROM s.t",
	} {
		if word, limits := redshift.Limits(query); limits {
			t.Errorf("%s: %q is taken for a limit", query, word)
		}
	}
}
