package redshift_test

import (
	"testing"

	"github.com/redcache/redcache/redshift"
)

func TestUnordered_FindsWhatCountsInNoOrder(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"SELECT row_number() OVER () AS n FROM s.t":                                         "row_number",
		"SELECT ROW_NUMBER ( ) OVER (PARTITION BY a) AS n FROM s.t":                         "ROW_NUMBER",
		"SELECT a FROM (SELECT a, lag(a) IGNORE NULLS OVER (PARTITION BY b) AS c FROM t) q": "lag",
		"SELECT first_value(a ignore nulls) over (partition by b) AS v FROM t":              "first_value",
		"SELECT a, any_value(b) AS b FROM t GROUP BY a":                                     "any_value",
		"SELECT listagg(a, ',') AS a FROM t":                                                "listagg",
		"SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY a) = 1":                    "row_number",
		"SELECT 'never closed": "a text that cannot be read",
	} {
		if word, unordered := redshift.Unordered(query); !unordered || word != want {
			t.Errorf("%s: got %q, %t, want %q", query, word, unordered, want)
		}
	}
	for _, query := range []string{
		"SELECT a FROM s.t", "SELECT row_number() OVER (ORDER BY a) AS n FROM t", "SELECT sum(a) OVER () AS n FROM t",
		"SELECT lag(a) ignore nulls over (partition by b order by c) AS v FROM t", "SELECT listagg(a) WITHIN GROUP (ORDER BY a) AS v FROM t",
		"SELECT t.row_number, 'row_number() over ()' AS v FROM t", "SELECT rank() OVER (ORDER BY a) AS v FROM t", "SELECT lead FROM t",
	} {
		if word, unordered := redshift.Unordered(query); unordered {
			t.Errorf("%s: %q is taken for unordered", query, word)
		}
	}
}
