package redshift_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/corpus"
	"github.com/redcache/redcache/redshift"
)

func TestVolatile_FindsWhatMoves(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"SELECT getdate()": "getdate",
		"SELECT id FROM s.t WHERE ts > GetDate ( ) - 7":                      "GetDate",
		"SELECT id FROM s.t WHERE ts > getdate/* why */()":                   "getdate",
		"SELECT id FROM s.t WHERE ts > SYSDATE - interval '1 day'":           "SYSDATE",
		"SELECT id FROM s.t WHERE day=current_date":                          "current_date",
		"SELECT id FROM s.t WHERE day>dateadd(day,-7,current_date)":          "current_date",
		"SELECT current_time":                                                "current_time",
		"SELECT CURRENT_TIMESTAMP(3)":                                        "CURRENT_TIMESTAMP",
		"SELECT now()":                                                       "now",
		"SELECT pg_catalog.now()":                                            "pg_catalog.now",
		"SELECT pg_catalog . \"now\"()":                                      "pg_catalog.\"now\"",
		"SELECT timeofday()":                                                 "timeofday",
		"SELECT localtimestamp":                                              "localtimestamp",
		"SELECT id FROM s.t ORDER BY random() LIMIT 5":                       "random",
		"SELECT rand() AS r":                                                 "rand",
		"SELECT id FROM s.t WHERE who = user":                                "user",
		"SELECT id FROM s.t WHERE who=current_user":                          "current_user",
		"SELECT session_user":                                                "session_user",
		"SELECT current_schema()":                                            "current_schema",
		"SELECT pg_backend_pid()":                                            "pg_backend_pid",
		"SELECT version()":                                                   "version",
		"SELECT age(born) FROM s.t":                                          "age",
		"SELECT current_setting('timezone')":                                 "current_setting",
		"SELECT f_tax(price) FROM s.t":                                       "f_tax",
		"SELECT tax(price) FROM s.t":                                         "tax",
		"SELECT \"f_tax\"(price) FROM s.t":                                   "\"f_tax\"",
		"SELECT fn.lower(price) FROM s.t":                                    "fn.lower",
		"SELECT \"my fn\".tax (price) FROM s.t":                              "\"my fn\".tax",
		"SELECT id FROM s.t WHERE day = 'today'::date":                       "'today'",
		"SELECT id FROM s.t WHERE day = DATE 'Yesterday'":                    "'Yesterday'",
		"SELECT id FROM s.t WHERE ts > CAST($x$ now$x$ AS timestamp)":        "$x$ now$x$",
		"SELECT id FROM s.t WHERE ts > CAST($$now$$ AS timestamp)":           "$$now$$",
		"SELECT id FROM s.t WHERE ts > 'tomorrow 04:00'":                     "'tomorrow 04:00'",
		"SELECT 'it\\'s' || now() || 'x'":                                    "now",
		"SELECT 1 -- line\rFROM s.t WHERE ts > now()":                        "now",
		"WITH recent AS (SELECT * FROM s.t WHERE ts > sysdate) SELECT 1":     "sysdate",
		"WITH now (a) AS (SELECT 1) SELECT a, timeofday() FROM now":          "timeofday",
		"SELECT sum(x) OVER (PARTITION BY user) FROM s.t":                    "user",
		"SELECT 'never closed":                                               "a text that cannot be read",
		"SELECT generate_series(1, 3)":                                       "generate_series",
		"SELECT has_table_privilege('s.t', 'select')":                        "has_table_privilege",
		"SELECT id FROM s.t WHERE id IN (SELECT f(1))":                       "f",
		"SELECT id AS f, f(id) FROM s.t":                                     "f",
		"SELECT x FROM s.t AS user WHERE current_user_id = 1":                "current_user_id",
		"SELECT 'a' AS x FROM s.t WHERE y IN ('b', 'c') AND z < LOCALTIME-1": "LOCALTIME",
		"SELECT 2 * exclude(b) FROM s.t":                                     "exclude",
		"SELECT nulls(b) FROM s.t":                                           "nulls",
		"SELECT day(b) FROM s.t":                                             "day",
		"SELECT TOP 5 user FROM s.t":                                         "user",
		"SELECT TOP (5) user FROM s.t":                                       "user",
		"SELECT id user, user FROM s.t":                                      "user",
		"SELECT a FROM s.t WHERE b AT TIME ZONE user = c":                    "user",
		"SELECT a FROM s.t QUALIFY f(a) = 1":                                 "f",
		"WITH a AS (f(x)) SELECT 1":                                          "f",
		"SELECT CASE WHEN a THEN f(a) ELSE g(a) END FROM s.t":                "f",
		"SELECT a FROM s.t, s.f(1) x":                                        "s.f",
		"SELECT c[0].x, f(c[0].y) FROM s.t c":                                "f",
		"SELECT x(+1) FROM s.t":                                              "x",
		"SELECT 1 AS as, f(2)":                                               "f",
		"SELECT nextval('s'), a FROM s.t":                                    "nextval",
		"SELECT pg_last_query_id()":                                          "pg_last_query_id",
		"SELECT a FROM s.t START WITH a = 1 CONNECT BY PRIOR f(a) = b":       "f",
	} {
		if word, volatile := redshift.Volatile(query); !volatile || word != want {
			t.Errorf("%s: got %q, %t, want %q", query, word, volatile, want)
		}
	}
}

func TestVolatile_LeavesTheRestAlone(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		"",
		"SELECT id, date, sysdate_x, now, random FROM s.t",
		"SELECT id AS now, x AS \"user\", y AS sysdate, z AS current_date FROM s.t",
		"SELECT t.user, t.sysdate, \"user\", \"current_date\" FROM s.t",
		"SELECT 'getdate()', 'sysdate', $$random()$$, $x$now()$x$ FROM s.t",
		"SELECT 'a\\' now() ' FROM s.t",
		"SELECT 1 -- now()\n, 2 /* random() /* nested */ sysdate */ FROM s.t",
		"SELECT 'known', 'snow', 'nowhere', 'todays' FROM s.t",
		"SELECT COUNT(*), sum(a), MAX (b), pg_catalog.upper(c) FROM s.t GROUP BY (d) HAVING (count(1) > 2)",
		"SELECT a::numeric(10, 2), b::varchar(5), CAST(c AS character varying(9)), d::timestamp(3) FROM s.t",
		"SELECT CASE WHEN (a) THEN (b) ELSE (c) END FROM (SELECT 1) q JOIN (SELECT 2) r USING (id) WHERE x IN (1) AND (y) OR NOT (z)",
		"WITH a (x, y) AS (SELECT 1, 2), b(z) AS (SELECT 3) SELECT x FROM a, b UNION ALL (SELECT 4)",
		"SELECT q.a FROM (SELECT 1, 2) AS q(a, b)",
		"SELECT row_number() OVER (PARTITION BY a ORDER BY b) FROM s.t QUALIFY (1 = 1)",
		"SELECT LISTAGG(a, ',') WITHIN GROUP (ORDER BY a) FROM s.t",
		"SELECT EXTRACT(day FROM ts), DATE_TRUNC('day', ts), dateadd(day, 1, ts), to_char(ts, 'YYYY'), date(ts) FROM s.t",
		"SELECT nvl(a, 0), left(b, 2), json_extract_path_text(c, 'now_'), fnv_hash(d) FROM s.t LEFT JOIN s.u ON (1=1)",
		"SELECT * EXCLUDE (a, b) FROM s.t", "SELECT t.* EXCLUDE(a) FROM s.t", "SELECT DISTINCT * EXCLUDE (a) FROM s.t", "SELECT TOP 3 * EXCLUDE (a) FROM s.t",
		"SELECT a.id FROM s.t a, s.u b WHERE a.id = b.id(+) AND b.at (+) > '2024-01-01'",
		"SELECT * FROM s.t UNPIVOT INCLUDE NULLS (v FOR k IN (a, b)) AS u", "SELECT * FROM s.t UNPIVOT EXCLUDE NULLS (v FOR k IN (a, b))",
		"SELECT c.orders[0].user, c.orders[0].items[1].sysdate, (c.x).current_date FROM s.t c", "SELECT c[0].now, c[1]['user'] FROM s.t c",
		"SELECT user.id FROM s.users user WHERE user.name = 'a'", "SELECT u.id user FROM s.users u", "SELECT count(*) user, 'x' sysdate FROM s.t",
		"SELECT q.a FROM (SELECT 1, 2) q (a, b)", "SELECT a FROM s.t x (a, b)", "SELECT ('3'::interval day (3) to second (6)) FROM s.t",
		"SELECT lag(a) IGNORE NULLS OVER (ORDER BY b), APPROXIMATE count(DISTINCT a), APPROXIMATE PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY a) FROM s.t",
		"SELECT a FROM s.t START WITH (a = 1) CONNECT BY (PRIOR a = b)", "SELECT grouping_id(a), grouping(b) FROM s.t GROUP BY GROUPING SETS ((a), (b))",
	} {
		if word, volatile := redshift.Volatile(query); volatile {
			t.Errorf("%s: %q is taken for volatile", query, word)
		}
	}
}

func TestVolatile_ReadsLongListsAtOnce(t *testing.T) {
	t.Parallel()
	list := strings.Repeat("'a', ('b'), f.x, -1, ", 50_000)
	start := time.Now()
	if word, volatile := redshift.Volatile("SELECT id FROM s.t WHERE x IN (" + list + "'now')"); word != "'now'" {
		t.Errorf("got %q, %t", word, volatile)
	}
	if took := time.Since(start); took > 20*time.Second { // a tenth of a second, unless each word looks at all others
		t.Errorf("took %v", took)
	}
}

// FuzzVolatile proves that no text makes the scanners panic, and that a clock at the end of one is always seen.
func FuzzVolatile(f *testing.F) {
	for _, query := range []string{"", "SELECT 1", "a.", ".(", "\"", `""(`, "$", "'", "f((", "AS", "as(", "x) AS (", "'\\", "$$now", "SELECT 1 FROM (a.b, c", ") AS (", "FROM", "SELECT FROM (((", "SELECT FROM \"A\"."} {
		f.Add(query)
	}
	for _, query := range corpus.All() {
		f.Add(query.SQL)
	}
	f.Fuzz(func(t *testing.T, query string) {
		_, before := redshift.Volatile(query)
		word, after := redshift.Volatile(query + "\n, getdate()")
		if !after && redshift.CheckQuery(query) == nil {
			t.Errorf("getdate() after %q is not seen", query)
		}
		if once, err := redshift.ReadQuery(query); err == nil {
			if twice, err := redshift.ReadQuery(once); err != nil || twice != once {
				t.Errorf("%q became %q and %q, %v", query, once, twice, err)
			}
			if _, limits := redshift.Limits(redshift.Limited(once, 1)); !limits {
				t.Errorf("the limit around %q is not seen", once)
			}
		}
		if before && word == "" {
			t.Errorf("%q is volatile for no reason", query)
		}
		if text, err := redshift.LastModified(t.Context(), plan{}, query); err == nil {
			t.Errorf("%q was last modified at %s, without a source", query, text)
		}
	})
}

// A modifier behind the name of a type, or in its midst, makes no function of it.
func TestVolatile_KnowsTheTypes(t *testing.T) {
	t.Parallel()
	for _, typ := range redshift.EveryType() {
		_, err := redshift.FingerprintSQL([]redshift.Column{{Name: "v", Type: typ}}, "SELECT 1", "")
		if errors.As(err, new(*redshift.UnhashableError)) {
			continue // queries do not cast to it
		}
		name, _, _ := strings.Cut(typ.Remote, "(")
		first, rest, _ := strings.Cut(name, " ")
		for _, written := range []string{name + "(5)", first + "(5) " + rest} {
			if said, volatile := redshift.Volatile("SELECT a::" + written + " FROM sales.fact"); volatile {
				t.Errorf("%s: %s is taken for a function that may change", written, said)
			}
		}
	}
}
