package parse_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/pipeline/lineage"
	"github.com/redcache/redcache/pipeline/lineage/parse"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var dataSQL = []string{
	`CREATE SCHEMA shop`,
	`CREATE TABLE shop.item (id integer, name text, price integer, kind text)`,
	`INSERT INTO shop.item SELECT n, 'item ' || n, n * 10, 'kind ' || n % 3 FROM generate_series(1, 9) n`,
	`CREATE TABLE buyer (buyer_id integer, name text, region text)`,
	`INSERT INTO buyer SELECT n, 'buyer ' || n, 'region ' || n % 2 FROM generate_series(1, 6) n`,
	`CREATE TABLE shop.sale (id integer, buyer_id integer, item_id integer, qty integer, price integer, at integer)`,
	`INSERT INTO shop.sale SELECT n, 1 + n % 6, 1 + n % 8, n % 5, n * 3, n FROM generate_series(1, 40) n`,
}

// localQueries are of many forms, over all columns.
var localQueries = []string{
	`SELECT id, qty * price AS total FROM shop.sale WHERE at > 10`,
	`SELECT i.name, sum(s.qty) AS n FROM shop.sale s JOIN shop.item i ON i.id = s.item_id GROUP BY i.name HAVING max(s.price) > 50`,
	`SELECT * FROM shop.sale JOIN buyer USING (buyer_id)`,
	`SELECT * FROM shop.item i LEFT JOIN shop.sale s ON s.item_id = i.id AND s.qty > 2`,
	`SELECT buyer_id, name FROM shop.sale FULL JOIN buyer USING (buyer_id)`,
	`SELECT buyer_id, name FROM buyer NATURAL JOIN shop.sale WHERE qty = 1`,
	`WITH big AS (SELECT item_id, sum(qty) AS n FROM shop.sale GROUP BY item_id), top AS (SELECT * FROM big ORDER BY n DESC, item_id LIMIT 3)
		SELECT name, n FROM top JOIN shop.item ON id = item_id`,
	`SELECT name FROM buyer UNION SELECT name FROM shop.item WHERE price > 30`,
	`SELECT name, region FROM buyer EXCEPT SELECT name, region FROM buyer WHERE buyer_id = 3`,
	`SELECT buyer_id FROM buyer INTERSECT SELECT item_id FROM shop.sale`,
	`SELECT DISTINCT ON (region) region, name FROM buyer ORDER BY region, buyer_id`,
	`SELECT id, row_number() OVER (PARTITION BY item_id ORDER BY at, id) AS n, lag(price) OVER w AS before FROM shop.sale WINDOW w AS (ORDER BY qty, id)`,
	`SELECT name, (SELECT max(s.at) FROM shop.sale s WHERE s.buyer_id = b.buyer_id AND s.qty < 4) AS last FROM buyer b`,
	`SELECT name, EXISTS (SELECT FROM shop.sale s WHERE s.buyer_id = b.buyer_id AND s.at > 38) AS late FROM buyer b`,
	`SELECT name FROM buyer b WHERE buyer_id IN (SELECT buyer_id FROM shop.sale WHERE price > 110)`,
	`SELECT b.name, l.price FROM buyer b CROSS JOIN LATERAL (SELECT price FROM shop.sale s WHERE s.buyer_id = b.buyer_id ORDER BY at DESC LIMIT 1) l`,
	`SELECT CASE WHEN qty > 2 THEN price ELSE at END AS v, coalesce(nullif(qty, 0), item_id) AS w FROM shop.sale`,
	`SELECT count(*) AS n, count(*) FILTER (WHERE qty > 3) AS some, string_agg(id::text, ',' ORDER BY at DESC) AS ids FROM shop.sale`,
	`SELECT kind, price, count(*) AS n FROM shop.item GROUP BY GROUPING SETS ((kind), (price), ())`,
	`WITH RECURSIVE chain (id, n) AS (SELECT id, 1 FROM shop.sale WHERE id = 1 UNION ALL SELECT s.id, n + s.qty FROM chain c JOIN shop.sale s ON s.id = c.id + 1 WHERE s.id < 9)
		SELECT id, n FROM chain`,
	`SELECT x.a, x.b FROM (SELECT name AS b, price AS a FROM shop.item) AS x (b, a) WHERE x.a > 20`,
	`SELECT v.n, i.name FROM (VALUES (1), (2)) v (n) JOIN shop.item i ON i.id = v.n`,
	`SELECT n, i.name FROM shop.item i, generate_series(1, i.price / 5) n`,
	`SELECT max(i.price) - min(s.price) AS d FROM shop.item i, shop.sale s WHERE (i.id, s.qty) = (s.item_id, 2)`,
	`SELECT row_to_json(b) ->> 'region' AS r FROM buyer b`,
}

// Whatever a query shows changes only with columns that it is said to come from, or to be filtered by; and what is copied is there
// as it stands in its column.
func TestOfLocal_ChangesComeFromNowhereElse(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool(t)
	for _, statement := range dataSQL {
		if _, err := pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	changes, said := 0, 0
	for _, query := range localQueries {
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		names, before := shown(t, tx, query)
		l := parse.OfLocal(query, names, columnsOf)
		if l.Unknown != "" {
			t.Errorf("%s\nis unknown: %s", query, l.Unknown)
		}
		wantCopies(t, tx, query, l, before)
		for table, columns := range tables {
			for _, column := range columns {
				c := table + "." + column
				for _, row := range []int{0, 1, 2, 3, 5, 7} {
					after := changed(t, tx, query, table, column, row)
					for i := range names {
						if slices.Equal(before[i], after[i]) {
							continue
						}
						changes++
						if !comesFrom(l, i, c) {
							t.Errorf("%s\ncolumn %s changes with %s, and is %s", query, names[i], c, text(l))
						}
					}
				}
			}
		}
		for _, o := range l.Outputs {
			said += len(o.From)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d changes, %d edges", changes, said)
	if changes < 400 || said < 50 {
		t.Errorf("%d changes and %d edges prove little", changes, said)
	}
}

func comesFrom(l lineage.Lineage, output int, from string) bool {
	return l.Outputs[output].Unknown != "" ||
		slices.ContainsFunc(l.Outputs[output].From, func(e lineage.Edge) bool { return e.From.String() == from }) ||
		slices.ContainsFunc(l.Filters, func(c lineage.Column) bool { return c.String() == from })
}

// shown are the values of each column of a query, sorted.
func shown(t *testing.T, tx pgx.Tx, query string) (names []string, values [][]string) {
	t.Helper()
	rows, err := tx.Query(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for _, field := range rows.FieldDescriptions() {
		names = append(names, field.Name)
	}
	values = make([][]string, len(names))
	for rows.Next() {
		row, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		for i, value := range row {
			values[i] = append(values[i], fmt.Sprint(value))
		}
	}
	if rows.Err() != nil {
		t.Fatalf("%s: %v", query, rows.Err())
	}
	for i := range values {
		slices.Sort(values[i])
	}
	return names, values
}

// changed are the values after one row of a table has got another value in a column.
func changed(t *testing.T, tx pgx.Tx, query, table, column string, row int) (values [][]string) {
	t.Helper()
	nested, err := tx.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	to := column + " + 7"
	if slices.Contains([]string{"name", "kind", "region"}, column) {
		to = column + " || '!'"
	}
	update := fmt.Sprintf(`UPDATE %[1]s SET %[2]s = %[3]s WHERE ctid = (SELECT ctid FROM %[1]s ORDER BY ctid OFFSET %[4]d LIMIT 1)`, table, column, to, row)
	if _, err := nested.Exec(t.Context(), update); err != nil {
		t.Fatal(err)
	}
	_, values = shown(t, nested, query)
	if err := nested.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	return values
}

func wantCopies(t *testing.T, tx pgx.Tx, query string, l lineage.Lineage, values [][]string) {
	t.Helper()
	for i, o := range l.Outputs {
		if len(o.From) != 1 || o.From[0].Kind != lineage.Copied {
			continue
		}
		from := o.From[0].From
		_, source := shown(t, tx, "SELECT "+from.Column+" FROM "+from.Relation.String())
		for _, value := range values[i] {
			if value != "<nil>" && !slices.Contains(source[0], value) {
				t.Errorf("%s\ncolumn %s is said to be a copy of %s, which has no %s", query, o.Name, from, value)
			}
		}
	}
}
