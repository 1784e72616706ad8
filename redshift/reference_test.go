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
