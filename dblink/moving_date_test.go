package dblink_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/pgtest"
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
		`$$today$$`, `$a$ now, $a$`,
	} {
		for _, query := range []string{
			"SELECT id FROM s.t WHERE at < %s", "SELECT CAST(%s AS date) AS d", "SELECT date %s",
			"SELECT dateadd(day, 1, %s)", "SELECT id FROM s.t WHERE day IN ('2024-01-01', %s)", "SELECT id FROM s.t WHERE at BETWEEN %s AND '9999-01-01'",
			"SELECT d::date FROM (SELECT %s AS d) q", "SELECT day FROM s.t UNION SELECT %s",
		} {
			query := strings.Replace(query, "%s", literal, 1)
			if _, volatile := dblink.Volatile(query); !volatile {
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
		if word, volatile := dblink.Volatile(query); volatile {
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
		if word, volatile := dblink.Volatile(query); volatile {
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
		if _, volatile := dblink.Volatile(query); !volatile {
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
	mustExec(t, conn, `CREATE FUNCTION pg_temp.moves(text) RETURNS bool LANGUAGE plpgsql AS $$
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
		quoted, err := dblink.RemoteLiteral(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, volatile := dblink.Volatile("SELECT id FROM s.t WHERE at < " + quoted); !volatile {
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
