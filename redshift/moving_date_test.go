package redshift_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/redshift"
)

func TestVolatile_ReadsLiteralsAsAParserOfDatesDoes(t *testing.T) {
	t.Parallel()
	for _, literal := range []string{
		`'now()'`, `'today,'`, `' TODAY '`, `'(tomorrow)'`, `'yesterday!'`, `'[now]'`, `'now;'`, `'now_'`, `'%today%'`, `'"now"'`,
		`'today 08:00'`, `'today08:00'`, `'08:00 today'`, `'today 08:00 Europe/Berlin'`, `'today at 08:00 PM PST'`, `'tomorrow+02'`,
		`'tomorrow America/Argentina/Buenos_Aires'`, `'today W-SU'`, `'today EST5EDT'`, `'today xyz-2'`, `'now UTC'`, `'now zulu'`,
		`'today allballs'`, `'on today'`, `'Friday, today'`, `'today bc'`, `'today 04:05:06.789 z'`, "'today\u00a0'", "'\ttoday\n'",
		`'\156ow'`, `'\x6eow'`, `'n\ow'`, `'to\day'`, `'\u006eow'`, `'now\''`, `'now'''`, `'''now'`, `'\ttoday\n'`,
		"'to'\n'day'", "'to' -- half\n 'day'", "'no'\r\n'w'", "'to'\n''\n'day'", `'to' || 'day'`, `'n' || 'o' || 'w'`, `'to' || 'day' || ' 8:00'`,
		`'to' + 'day'`, `'n'+'o'+'w'`, `'to' || 'day' + ' 8:00'`,
		`$$today$$`, `$a$ now, $a$`,
	} {
		for _, query := range []string{
			"SELECT id FROM s.t WHERE at < %s", "SELECT CAST(%s AS date) AS d", "SELECT date %s",
			"SELECT dateadd(day, 1, %s)", "SELECT id FROM s.t WHERE day IN ('2024-01-01', %s)", "SELECT id FROM s.t WHERE at BETWEEN %s AND '9999-01-01'",
			"SELECT d::date FROM (SELECT %s AS d) q", "SELECT day FROM s.t UNION SELECT %s",
		} {
			query := strings.Replace(query, "%s", literal, 1)
			if _, volatile := redshift.Volatile(query); !volatile {
				t.Errorf("%s: not seen", query)
			}
		}
	}
	for _, literal := range []string{
		`'The world today'`, `'now or never'`, `'Buy now'`, `'nowhere'`, `'today''s news'`, `'todays'`, `'known'`, `'yesterdays'`,
		`'2024-01-01'`, `'epoch'`, `'infinity'`, `'-infinity'`, `'allballs'`, `'January 8, 1999'`, `'08:00 Europe/Berlin'`, `'Europe/Berlin'`,
		`'today ünd'`, `'today, tomorrow'`, `'now' 'here'`, "'today'\n' is fine'", `'t' 'oda'`, `'to day'`, `'\\156ow'`, `$$\156ow$$`,
		`'{"today": 1}x'`, `'today/yesterday'`, `''`, `' '`, `'n'`, `'ow'`, `'today minus one'`, `'ｎｏｗ'`, `'tod\u0430y'`,
	} {
		query := "SELECT id FROM s.t WHERE at < " + literal
		if word, volatile := redshift.Volatile(query); volatile {
			t.Errorf("%s: %s is taken for volatile", query, word)
		}
	}
}

// A text that functions make of constants may be any; one that is cast to a date moves unless it cannot spell it.
func TestVolatile_SeesDatesThatFunctionsMake(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`split_part('x,now', ',', 2)`, `concat('no', 'w')`, `reverse('won')`, `replace('n0w', '0', 'o')`, `replace('xoday', 'x', 't')`,
		`left('today is', 5)`, `right('is today', 5)`, `substring('know', 2)`, `substring('know' from 2)`, `substr('know', 2, 3)`,
		`trim('xnowx', 'x')`, `trim(both 'x' from 'xnowx')`, `btrim('xnowx', 'x')`, `(chr(110) || 'ow')`, `chr(110 + 0)`, `lower(upper('n') || 'OW')`,
		`json_extract_path_text('{"a":"now"}', 'a')`, `json_extract_path_text('{"a":"\\u006eow"}', 'a')`, `translate('n0w', '0', 'o')`,
		`json_extract_array_element_text('["now"]', 0)`, `coalesce(null, concat('to', 'day'))`, `nvl(reverse('won'), 'x')`,
		`decode(1, 1, reverse('yadot'))`, `(case when true then reverse('won') end)`, `(SELECT reverse('won'))`, `lpad('w', 3, 'no')`,
		`repeat('n', 1) || 'ow'`, `('n'+'ow')`, `('n' + ('o' + 'w'))`, `('n'::varchar + 'ow')`, `(chr(110) + 'ow')`, `nvl(note, 'n' + 'ow')`, `('no' + left('war', 1))`, `regexp_substr('xx now', '[a-z]+$')`, `regexp_replace('n-ow', '-', '')`, `initcap(reverse('won'))`,
		`reverse('won')::varchar`, `cast(reverse('won') as varchar(10))`, `from_varbyte('6e6f77', 'utf8')`, `pg_catalog.reverse('won')`,
		`(case when id > 7 then reverse('won') else note end)`, `nvl(note, reverse('won'))`, `"reverse"('won')`, `(('no' || reverse('w')))`,
	} {
		for _, cast := range []string{
			"%s::timestamp", "(%s)::date", "CAST(%s AS timestamp with time zone)", "TRY_CAST(%s AS date)", "CONVERT(timestamp, %s)", "date(%s)",
			"(%s)::pg_catalog.timestamptz", "timestamp(%s)",
		} {
			if strings.HasPrefix(cast, "%s") && strings.Contains(text, "|| 'ow'") && text[0] != '(' {
				continue // the cast would be of the last literal only
			}
			query := "SELECT id FROM s.t WHERE at < " + strings.Replace(cast, "%s", text, 1)
			if _, volatile := redshift.Volatile(query); !volatile {
				t.Errorf("%s: not seen", query)
			}
		}
	}
	for _, query := range []string{
		"WITH c AS (SELECT reverse('won') AS w) SELECT id FROM s.t, c WHERE at < w::timestamp",
		"SELECT id FROM s.t JOIN (SELECT 1 AS n, concat('to', 'day') AS w) c ON at < CAST(c.w AS date)",
	} {
		if _, volatile := redshift.Volatile(query); !volatile {
			t.Errorf("%s: not seen", query)
		}
	}
	for _, pure := range []string{
		`(SELECT max(at) FROM s.t WHERE note = upper('x'))::date`, `note::date`, `cast(note as timestamp)`, `(year || '-01-01')::date`, `(to_char(at, 'Day, DD Month YYYY') || ' x')::date`,
		`split_part(note, 'now', 2)::date`, `coalesce(note, '1900-01-01')::date`, `(case when note = 'unknown' then '1900-01-01' else note end)::date`,
		`date_trunc('month', '2024-05-01'::timestamp)::date`, `dateadd(day, 1, '2024-05-01')::date`, `convert_timezone('Europe/London', '2024-05-01')::date`,
		`to_date('20240501', 'YYYYMMDD')::timestamp`, `to_timestamp('1 November 2024', 'DD Month YYYY')::date`, `trunc('2024-05-01'::timestamp)::date`,
		`concat('2024', '-05-01')::date`, `left('2024-05-01T00:00', 10)::date`, `substring('20240501' from 1 for 8)::date`, `timestamp(6)`,
		`replace('01.05.2024', '.', '-')::date`, `max(at)::date`, `(SELECT max(at) FROM s.t)::date`, `(SELECT max(at) FROM s.t WHERE note = reverse('n'))::date`,
		`nullif(trim(note), '')::timestamp`, `replace(note, chr(13) || chr(10), ' ')::date`, `regexp_replace(note, '[^0-9]', '')::date`,
		`json_extract_path_text(note, 'known', 'at')::timestamp`, `split_part(split_part(note, 'from now on', 1), 'w', 2)::date`,
		`left(note, 10)::date`, `(left(note, 4) || '-' || right(note, 2) || '-01')::date`, `lower('2024-MAY-01')::date`, `min(d)::timestamp`,
		`nvl(note, 'infinity')::date`, `md5('now or never')::varchar`, `('2024-05-' + '01')::date`, `(note + '-01-01')::date`, `('2024-05-01'::date + 7)::timestamp`, `concat('no', 'w')`, `date_part('year', at)`, `extract(year from note::date)`,
	} {
		query := "SELECT id FROM s.t WHERE at < " + pure
		if word, volatile := redshift.Volatile(query); volatile {
			t.Errorf("%s: %s is taken for volatile", query, word)
		}
	}
}

func TestVolatile_TellsTextsFromDatesByWhereTheyStand(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		"SELECT id FROM s.t WHERE note LIKE '%today%' OR note ILIKE 'now%' AND note NOT SIMILAR TO 'now'",
		"SELECT json_extract_path_text(c, 'today', 'now'), split_part(c, 'now', 1) FROM s.t", "SELECT c['today'].x, c.a['now'] FROM s.t c",
		"SELECT 'today' AS period, id, 'Now' FROM s.t WHERE id > 7", "SELECT id AS \"now()\", \"today\".\"now\" FROM s.t AS \"today\"",
		"SELECT 'now'", "SELECT 'now' at, 'today' FROM s.t", "SELECT 'now' \"at\"", "WITH a AS (SELECT 1 AS b) SELECT DISTINCT 'today' period, b FROM a",
	} {
		if word, volatile := redshift.Volatile(query); volatile {
			t.Errorf("%s: %s is taken for volatile", query, word)
		}
	}
	for _, query := range []string{
		"SELECT id FROM s.t WHERE note LIKE 'today'::date", "SELECT id FROM s.t WHERE note LIKE 'today' || 'x'", "SELECT c[0].x + 'today' FROM s.t c",
		"SELECT id FROM s.t WHERE note LIKE 'today' AT TIME ZONE 'utc'", "SELECT json_extract_path_text('now', 'a') FROM s.t",
		"SELECT split_part(c, 'x', 'today'::date - d) FROM s.t", "SELECT f.split_part(c, 'today') FROM s.t", "SELECT 'today'::date FROM s.t",
		"SELECT (SELECT 'today') FROM s.t", "SELECT 'today' UNION SELECT d FROM s.t", "SELECT id FROM s.t ORDER BY id, 'today'",
		"WITH a AS (SELECT 'today' AS d) SELECT d::date FROM a", "SELECT 'today' - d FROM s.t", "SELECT 'now' AT TIME ZONE 'utc' FROM s.t", "SELECT 'today' BETWEEN a AND b FROM s.t",
		"SELECT 'today' IN (a, b) FROM s.t", "SELECT 'now' at, 'now' AT TIME ZONE 'utc' FROM s.t", "SELECT a = array['today'] FROM s.t", "SELECT ['today'] FROM s.t",
		`SELECT id FROM s.t WHERE at < U&'\006eow'`, "SELECT date'today'", "SELECT id FROM s.t WHERE at < E'now'", "SELECT nvl(d, 'today') FROM s.t",
		"SELECT id, 'now' > d FROM s.t",
	} {
		if _, volatile := redshift.Volatile(query); !volatile {
			t.Errorf("%s: not seen", query)
		}
	}
}

// TestVolatile_SeesEachClockThatPostgreSQLReads asks PostgreSQL which texts are dates.
func TestVolatile_SeesEachClockThatPostgreSQLReads(t *testing.T) {
	t.Parallel()
	conn, err := pgtest.New(t).Pool(t).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	linktest.Exec(t, conn, `CREATE FUNCTION pg_temp.moves(text) RETURNS bool LANGUAGE plpgsql AS $$
		DECLARE type text;
		BEGIN
			FOREACH type IN ARRAY '{date,time,timetz,timestamp,timestamptz}'::text[] LOOP
				BEGIN EXECUTE format('SELECT %L::%s', $1, type); RETURN true;
				EXCEPTION WHEN OTHERS THEN NULL; END;
			END LOOP;
			RETURN false;
		END $$`)
	moving := dates(t, conn.Conn())
	if len(moving) < 100 {
		t.Fatalf("PostgreSQL reads %d of them", len(moving))
	}
	for _, text := range moving {
		quoted, err := redshift.Literal(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, volatile := redshift.Volatile("SELECT id FROM s.t WHERE at < " + quoted); !volatile {
			t.Errorf("%q: not seen", text)
		}
	}
}

// dates makes texts that hold the clock, and returns those that PostgreSQL reads.
func dates(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	clocks := []string{"now", "Today", "TOMORROW", "yesterday"}
	parts := strings.Split(`( ) , ; _ % 08:00 +02 -02 pst Europe/Berlin allballs on at mon jan bc pm est5edt MET|DST zulu t world 5 . / ' \
		utc America/New_York w-su xyz-3 julian epoch [ ] { } " = am sat | |`, " ")
	random, texts := rand.New(rand.NewPCG(1, 2)), []string{}
	for range 700 {
		text := clocks[random.IntN(len(clocks))]
		for range random.IntN(4) {
			part := strings.ReplaceAll(strings.TrimSpace(parts[random.IntN(len(parts))]), "|", " ")
			if random.IntN(2) == 0 {
				text = part + text
			} else {
				text += part
			}
			if random.IntN(3) == 0 {
				text += " "
			}
		}
		texts = append(texts, text)
	}
	rows, err := conn.Query(t.Context(), `SELECT DISTINCT t FROM unnest($1::text[]) t 
		WHERE pg_temp.moves(t) AND t ~* '(^|[^a-z])(now|today|tomorrow|yesterday)([^a-z]|$)'`, texts)
	if err != nil {
		t.Fatal(err)
	}
	moving, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return moving
}
