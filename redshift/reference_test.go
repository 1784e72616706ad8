package redshift_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/redshift"
)

func TestReferences(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query string
		want  string
	}{
		"each time":        {`SELECT 1 FROM a.b x JOIN a.b y ON true, "c" . d`, `a.b|a.b|"c" . d`},
		"no schema":        {`SELECT 1 FROM b`, `b`},
		"a name of WITH":   {`WITH b AS (SELECT 1 FROM s.t) SELECT 1 FROM b JOIN s.b ON true`, `s.t|s.b`},
		"hidden by WITH":   {`SELECT 1 FROM b WHERE EXISTS (WITH b AS (SELECT 1 FROM c) SELECT 1 FROM b)`, `b|c`},
		"recursive":        {`WITH RECURSIVE b AS (SELECT 1 FROM c UNION ALL SELECT 1 FROM b) SELECT 1 FROM b`, `c`},
		"a path":           {`SELECT 1 FROM shop.customer c, c.orders o, o.items[0].parts p`, `shop.customer`},
		"a function":       {`SELECT 1 FROM generate_series(1, 3) n, s.t`, `s.t`},
		"of EXTRACT":       {`SELECT extract(day FROM sold_at), trim(both FROM x) FROM s.t`, `s.t`},
		"three parts":      {`SELECT 1 FROM dev.s.t`, `dev.s.t`},
		"UNION":            {`SELECT 1 FROM a.a UNION ALL (SELECT 1 FROM b.b)`, `a.a|b.b`},
		"in an expression": {`SELECT (SELECT max(x) FROM a.a) FROM b.b WHERE y IN (SELECT y FROM c.c)`, `a.a|b.b|c.c`},
		"none":             {`SELECT 1`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := redshift.References(c.query, "dev")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range found {
				got = append(got, c.query[r.From:r.To])
			}
			if diff := cmp.Diff(c.want, strings.Join(got, "|")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Without a database it is PostgreSQL that is asked: a quoted name is as it stands, and an alias behind a name is told from what else
// can follow.
func TestReferences_OfPostgreSQL(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		`SELECT "Up".id FROM bi."Up"`:                                                             `bi.Up`,
		`SELECT 1 FROM BI.Up, bi."up" u`:                                                          `bi.up|bi.up aliased`,
		`WITH "B" AS (SELECT 1 FROM s.t AS x) SELECT 1 FROM "B", s.b`:                             `s.t aliased|s.b`,
		`SELECT 1 FROM a.b JOIN a.c USING (id) LEFT JOIN a.d ON true`:                             `a.b|a.c|a.d`,
		`SELECT 1 FROM a.b WHERE EXISTS (SELECT FROM a.c) GROUP BY 1`:                             `a.b|a.c`,
		`SELECT 1 FROM a.b "where", a.c TABLESAMPLE system (1), a.d FULL JOIN a.e x (id) ON true`: `a.b aliased|a.c|a.d|a.e aliased`,
		`SELECT 1 FROM ONLY (a.b) UNION SELECT 1 FROM ONLY a.c ORDER BY 1`:                        `a.b aliased|a.c`,
		`SELECT 1 FROM (a.b CROSS JOIN a.c) x`:                                                    `a.b|a.c`,
	} {
		found, err := redshift.References(query, "")
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		var got []string
		for _, r := range found {
			text := r.Schema + "." + r.Name
			if r.Aliased {
				text += " aliased"
			}
			got = append(got, text)
		}
		if diff := cmp.Diff(want, strings.Join(got, "|")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}
