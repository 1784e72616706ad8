package redshift_test

import (
	"strings"
	"testing"

	"github.com/redcache/redcache/redshift"
)

func TestAsPostgres(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		`SELECT TOP 5 a FROM t`:            `SELECT a FROM t LIMIT 5`,
		`SELECT DISTINCT TOP (5) a FROM t`: `SELECT DISTINCT a FROM t LIMIT (5)`, `SELECT a FROM (SELECT TOP 1 b FROM u ORDER BY c) s UNION SELECT TOP 2 d FROM v`: `SELECT a FROM (SELECT b FROM u ORDER BY c LIMIT 1) s UNION SELECT d FROM v LIMIT 2`,
		`SELECT top FROM t`:                                           `SELECT top FROM t`,
		`SELECT t.top, 1 AS top FROM t`:                               `SELECT t.top, 1 AS top FROM t`,
		`SELECT a FROM t MINUS SELECT b FROM u`:                       `SELECT a FROM t EXCEPT SELECT b FROM u`,
		`SELECT a FROM t minus`:                                       `SELECT a FROM t minus`,
		`SELECT a FROM t QUALIFY row_number() OVER (ORDER BY b) = 1`:  `SELECT a FROM t HAVING row_number() OVER (ORDER BY b) = 1`,
		`SELECT a FROM t GROUP BY a HAVING (count(*)) > 1 QUALIFY b`:  `SELECT a FROM t GROUP BY a HAVING (count(*)) > 1 AND b`,
		`SELECT APPROXIMATE COUNT(DISTINCT a) FROM t`:                 `SELECT COUNT(DISTINCT a) FROM t`,
		`SELECT last_value(a IGNORE NULLS) OVER (ORDER BY b) FROM t`:  `SELECT last_value(a ) OVER (ORDER BY b) FROM t`,
		`SELECT last_value(a) RESPECT NULLS OVER (ORDER BY b) FROM t`: `SELECT last_value(a) OVER (ORDER BY b) FROM t`,
		`SELECT CONVERT(varchar(10), a || ',') FROM t`:                `SELECT CAST( a || ',' AS varchar(10)) FROM t`,
		`SELECT listagg(DISTINCT a, ',') WITHIN GROUP (ORDER BY a) x`: `SELECT listagg( a, ',') WITHIN GROUP (ORDER BY a) x`,
		`SELECT 'it\'s', 'a\\', "\" FROM t -- TOP 5`:                  `SELECT  E'it\'s',  E'a\\', "\" FROM t -- TOP 5`,
		`SELECT 'TOP 5 a MINUS SELECT' FROM t /* QUALIFY */`:          `SELECT 'TOP 5 a MINUS SELECT' FROM t /* QUALIFY */`,
		`SELECT a FROM (SELECT b FROM u HAVING c) s QUALIFY d`:        `SELECT a FROM (SELECT b FROM u HAVING c) s HAVING d`,
		`SELECT convert FROM t`:                                       `SELECT convert FROM t`,
	} {
		got, err := redshift.AsPostgres(query)
		if err != nil || strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
			t.Errorf("%s\nbecomes %s, %v\nwant    %s", query, got, err, want)
		}
	}
	if _, err := redshift.AsPostgres(`SELECT 'a`); err == nil {
		t.Error("a literal without an end is read")
	}
}
