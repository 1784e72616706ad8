package redshiftsim_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// dialect is SQL that Redshift has and PostgreSQL has not, with the rows that it gives: values apart by |, rows by ;.
var dialect = []struct{ query, want string }{
	{`SELECT TOP 2 id FROM things ORDER BY id DESC`, "4;3"},
	{`SELECT DISTINCT TOP 1 kind FROM things ORDER BY kind`, "a"},
	{`SELECT id FROM (SELECT TOP 1 id FROM things ORDER BY id) q`, "1"},
	{`WITH a AS (SELECT TOP 1 id FROM things ORDER BY id) SELECT id FROM a`, "1"},
	{`SELECT t.id, o.note FROM things t, others o WHERE t.id = o.id(+) AND t.id < 3 ORDER BY 1`, "1|one;2|"},
	{`SELECT t.id, o.note FROM others o, things t WHERE t.id = o.id (+) AND o.note(+) <> 'x' ORDER BY 1`, "1|one;2|;3|three;4|"},
	{`SELECT t.id, o.id, p.id FROM things t, others o, others p WHERE t.id = o.id(+) AND o.id = p.id(+) AND t.id IN (1, 2) ORDER BY 1`, "1|1|1;2||"},
	{`SELECT name + '-' + kind FROM things WHERE id = 1`, "one-a"},
	{`SELECT 'a' + 'b'`, "ab"},
	{`SELECT any_value(kind), median(id) FROM things WHERE kind = 'a'`, "a|2.0"},
	{`SELECT median(price) FROM things`, "2.500"},
	{`SELECT DISTINCT median(id) OVER (PARTITION BY kind) FROM things ORDER BY 1`, "2.0;3.0"},
	{`SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY price) FROM things`, "2.500"},
	{`SELECT DISTINCT percentile_cont(0.25) WITHIN GROUP (ORDER BY price DESC) OVER (PARTITION BY kind) FROM things ORDER BY 1`, "2.5000;3.5000"},
	{`SELECT APPROXIMATE percentile_disc(0.5) WITHIN GROUP (ORDER BY id) FROM things`, "2"},
	{`SELECT APPROXIMATE COUNT(DISTINCT kind) FROM things`, "2"},
	{`SELECT last_day('2024-02-10'::date), last_day('2023-02-10 01:00'::timestamp)`, "2024-02-29|2023-02-28"},
	{`SELECT months_between('2024-03-31'::date, '2024-02-29'::date), months_between('1969-01-18', '1969-03-18')`, "1|-2"},
	{`SELECT add_months('2024-02-29'::date, 1), next_day('2014-08-20'::date, 'Tue')`, "2024-03-31 00:00:00|2014-08-26"},
	{`SELECT convert_timezone('Asia/Tokyo', '2024-01-01'::timestamp)`, "2024-01-01 09:00:00"},
	{`SELECT decode(kind, 'a', 1, 'b', 2, 0), decode(NULL, NULL, 'null', 'other') FROM things WHERE id = 2`, "2|null"},
	{`SELECT decode(id, 1, decode(kind, 'a', 'x'), 2, 'y') FROM things WHERE id < 3 ORDER BY id`, "x;y"},
	{`SELECT nvl2(name, 1, 0), nvl(name, 'none') FROM things WHERE id = 4`, "0|none"},
	{`SELECT listagg(id, ', ') WITHIN GROUP (ORDER BY id DESC), listagg(DISTINCT kind, '/') WITHIN GROUP (ORDER BY kind) FROM things`, "4, 3, 2, 1|a/b"},
	{`SELECT listagg(id) FROM things WHERE id = 1`, "1"},
	{`SELECT id FROM things t QUALIFY row_number() OVER (PARTITION BY kind ORDER BY id DESC) = 1 ORDER BY id`, "3;4"},
	{`SELECT id, row_number() OVER (ORDER BY id) AS rn FROM things t WHERE id > 1 QUALIFY rn = 2`, "3|2"},
	{`SELECT count(*) FROM (SELECT * FROM things t QUALIFY rank() OVER (PARTITION BY kind ORDER BY id) = 1) q`, "2"},
	{`SELECT id FROM things t QUALIFY rank() OVER (ORDER BY id) <= 3 ORDER BY id LIMIT 2`, "1;2"},
	{`SELECT id FROM things t WHERE id < 3 QUALIFY rank() OVER (ORDER BY id) = 1 UNION ALL SELECT 9 ORDER BY 1`, "1;9"},
	{`SELECT id FROM things MINUS SELECT id FROM others ORDER BY 1`, "2;4"},
	{`SELECT last_value(name IGNORE NULLS) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) FROM things ORDER BY id`, "one;two;three;three"},
	{`SELECT lag(name) IGNORE NULLS OVER (ORDER BY id) FROM things ORDER BY id`, ";one;two;three"},
	{`SELECT lead(name) IGNORE NULLS OVER (PARTITION BY 1 ORDER BY id) FROM things ORDER BY id`, "two;three;;"},
	{`SELECT first_value(name) RESPECT NULLS OVER (ORDER BY id DESC ROWS UNBOUNDED PRECEDING) FROM things WHERE id = 4`, ""},
	{`SELECT DATE_PART(weekday, '2024-01-01'::date), DATE_PART(qtr, '2024-05-01'::date), EXTRACT(dayofyear FROM '2024-02-01'::date)`, "1|2|32"},
	{`SELECT DATEDIFF(qtr, '2024-01-01'::date, '2024-12-31'::date), DATEDIFF(yrs, '2020-01-01', '2024-12-31'), DATEADD(w, 1, '2024-01-01'::date)`, "3|4|2024-01-08 00:00:00"},
	{`SELECT DATEADD(qtr, 1, '2024-01-31'::date), DATEADD(h, 5, '2024-01-01'::timestamp), DATE_TRUNC('mon', '2024-05-17'::timestamp)`, "2024-04-30 00:00:00|2024-01-01 05:00:00|2024-05-01 00:00:00"},
	{`SELECT CONVERT(int, '7'), TRY_CAST('x' AS int), TRY_CAST('8' AS int)`, "7||8"},
	{`SELECT concat('a', NULL), concat(concat('a', 'b'), 'c')`, "|abc"},
	{`SELECT regexp_replace('aXbX', 'X', '-'), regexp_substr('abc', 'b.'), regexp_count('aXbX', 'X')`, "a-b-|bc|2"},
	{`SELECT json_extract_path_text('{', 'a', true), json_array_length('[1,2]'), is_valid_json('{'), json_extract_array_element_text('["a","b"]', 1)`, "|2|f|b"},
	{`SELECT id FROM things WHERE name ILIKE 'T%' AND name SIMILAR TO '(two|three)' ORDER BY 1`, "2;3"},
	{`SELECT round(ratio_to_report(price) OVER (PARTITION BY kind)::numeric, 2) FROM things WHERE kind = 'a' ORDER BY id`, "0.25;0.75"},
	{`SELECT json_serialize(array(1, 'a')), trunc('2024-01-01 05:00'::timestamp)`, `[1, "a"]|2024-01-01`},
	{`SELECT * EXCLUDE (name, price) FROM things WHERE id = 1`, "1|a"},
	{`WITH a AS (SELECT * EXCLUDE name FROM things) SELECT * EXCLUDE (kind) FROM a WHERE id = 2`, "2|2.00"},
	{`SELECT count(*) FROM (SELECT * EXCLUDE id FROM others UNION ALL SELECT * EXCLUDE id FROM others) q`, "4"},
	{`SELECT * FROM (SELECT kind, price FROM things) PIVOT (sum(price) FOR kind IN ('a', 'b'))`, "4.00|6.00"},
	{`SELECT id, p_n, b_n FROM (SELECT id, kind FROM things) PIVOT (count(*) AS n FOR kind IN ('a' AS p, 'b')) q WHERE id = 1`, "1|1|0"},
	{`WITH s AS (SELECT 1 AS id, 5 AS x, NULL::int AS y) SELECT * FROM s UNPIVOT (v FOR k IN (x, y))`, "1|x|5"},
	{`WITH s AS (SELECT 1 AS id, 5 AS x, NULL::int AS y) SELECT k, v FROM s UNPIVOT INCLUDE NULLS (v FOR k IN (x AS 'ex', y)) AS u ORDER BY k`, "ex|5;y|"},
	{`WITH now (a) AS (SELECT id FROM things) SELECT max(a) FROM now`, "4"},
	{`SELECT lag(name, 1) IGNORE NULLS OVER (ORDER BY id) FROM things ORDER BY id`, ";one;two;three"},
	{`SELECT 1from things WHERE id = 1`, "1"},
	{`SELECT sha2('abc', 256), len('abc'), charindex('c', 'abc'), strtol('ff', 16)`, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad|3|3|255"},
}

// setupDialect makes the tables that dialect reads.
func setupDialect(t *testing.T) *redshiftsim.Warehouse {
	t.Helper()
	warehouse := redshiftsim.For(t)
	exec(t, warehouse, `
		CREATE TABLE things (id int, name varchar(20), kind varchar(5), price numeric(8, 2));
		INSERT INTO things VALUES (1, 'one', 'a', 1), (2, 'two', 'b', 2), (3, 'three', 'a', 3), (4, NULL, 'b', 4);
		CREATE TABLE others (id int, note varchar(20));
		INSERT INTO others VALUES (1, 'one'), (3, 'three')`)
	return warehouse
}

func TestServer_SpeaksTheDialect(t *testing.T) {
	t.Parallel()
	conn := connect(t, setupDialect(t)).PgConn()
	for _, test := range dialect {
		results, err := conn.Exec(t.Context(), test.query).ReadAll()
		if err != nil {
			t.Errorf("%s: %v", test.query, err)
			continue
		}
		var rows []string
		for _, row := range results[0].Rows {
			var values []string
			for _, value := range row {
				values = append(values, string(value))
			}
			rows = append(rows, strings.Join(values, "|"))
		}
		if got := strings.Join(rows, ";"); got != test.want {
			t.Errorf("%s: got %q, want %q", test.query, got, test.want)
		}
	}
}

// What the stand-in lacks is not told as what Redshift refuses.
func TestServer_SaysWhatItLacks(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	exec(t, warehouse, `CREATE TABLE tickit_example (id int, name varchar(20))`)
	pool := pgtest.OpenPool(t, warehouse.UserURL())
	for _, lack := range redshiftsim.Lacks() {
		_, err := pool.Exec(t.Context(), lack.Example)
		wantError(t, err, "0A000", "the stand-in for Redshift does not have "+lack.Name+"; Redshift has it")
	}
	_, err := pool.Exec(t.Context(), `SELECT * EXCLUDE id FROM nowhere`)
	wantError(t, err, "42P01", `relation "nowhere" does not exist`)
	_, err = pool.Exec(t.Context(), `SELECT id FROM other.public.tickit_example`)
	wantError(t, err, "0A000", "the stand-in for Redshift does not have tables of other databases; Redshift has it")
	_, err = pool.Exec(t.Context(), `SELECT st_area(name) FROM tickit_example`)
	wantError(t, err, "0A000", "the stand-in for Redshift does not have ST_AREA; Redshift has it")
}

// A long list is read as quickly as it is long: it is no work beyond reading it.
func TestServer_ReadsLongLists(t *testing.T) {
	t.Parallel()
	conn := connect(t, redshiftsim.For(t))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	list := strings.Repeat("7, ", 200_000) + "8"
	results, err := conn.PgConn().Exec(ctx, "SELECT count(*) FROM (SELECT 8 AS id) t WHERE id IN ("+list+")").ReadAll()
	if err != nil || string(results[0].Rows[0][0]) != "1" {
		t.Error(err)
	}
}
