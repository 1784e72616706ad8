package redshift_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/redshift"
)

// modifiedSetup makes two tracked tables and what else a schema can hold.
func modifiedSetup(t *testing.T) *linktest.Bundle {
	t.Helper()
	b := linktest.New(t)
	linktest.Exec(t, b.Warehouse.Engine, `
		CREATE SCHEMA shop; CREATE SCHEMA "odd schema"; CREATE SCHEMA other;
		CREATE TABLE shop.sale (id int PRIMARY KEY, region int, price numeric(10,2), at timestamp);
		CREATE TABLE "odd schema"."a ""table""" (id int); CREATE TABLE shop.a_b (id int); CREATE TABLE shop.axb (id int);
		CREATE TABLE shop.region (id int, name varchar(9)); CREATE TABLE shop.untracked (id int); CREATE TABLE other.sale (id int);
		CREATE VIEW shop.sold AS SELECT * FROM shop.sale; CREATE VIEW shop.both AS SELECT s.id FROM shop.sale s, other.sale o;
		CREATE MATERIALIZED VIEW shop.sums AS SELECT sum(price) AS n FROM shop.sale;
		CREATE FUNCTION shop.ids() RETURNS SETOF int LANGUAGE sql AS 'SELECT id FROM shop.sale';
		INSERT INTO shop.sale SELECT n, n % 3, n, '2024-01-01' FROM generate_series(1, 50) n`)
	b.Warehouse.TrackChanges(t, "shop.sale", "shop.region", `"odd schema"."a ""table"""`, "shop.a_b")
	b.Warehouse.NoteChangesAfter(0)
	return b
}

func TestLastModified_ChangesWithTheTables(t *testing.T) {
	t.Parallel()
	b := modifiedSetup(t)
	const query = "SELECT r.name, sum(s.price) FROM shop.sale s JOIN shop.region AS r ON r.id = s.region GROUP BY 1 -- all"
	b.InSession(t, func(_ pgx.Tx, s *dblink.Session) {
		last := mustModified(t, s, query)
		for _, same := range []string{"VACUUM shop.sale", "ANALYZE shop.sale", "INSERT INTO shop.untracked VALUES (1)"} {
			linktest.Exec(t, b.Warehouse.Engine, same)
			if got := mustModified(t, s, query); got != last {
				t.Errorf("%s: got %q after %q", same, got, last)
			}
		}
		for _, change := range []string{
			"UPDATE shop.sale SET price = 1 WHERE id = 7", "DELETE FROM shop.sale WHERE id = 1", "INSERT INTO shop.region VALUES (1, 'eu')",
			"TRUNCATE shop.sale", "ALTER TABLE shop.region ADD n int",
		} {
			b.Warehouse.NoteChangesAfter(time.Hour)
			early := mustModified(t, s, query)
			linktest.Exec(t, b.Warehouse.Engine, change)
			if got := mustModified(t, s, query); got != early {
				t.Errorf("%s: seen before it was noted", change)
			}
			b.Warehouse.NoteChangesAfter(0)
			got := mustModified(t, s, query)
			if got == last {
				t.Errorf("%s: not seen", change)
			}
			last = got
		}
	})
}

func TestLastModified_TrustsPlainTables(t *testing.T) {
	t.Parallel()
	b := modifiedSetup(t)
	own := "SELECT id FROM " + b.Warehouse.Name + ".shop.sale JOIN shop.region USING (id)"
	b.InSession(t, func(_ pgx.Tx, s *dblink.Session) {
		for query, tables := range map[string]int{
			own: 2,
			"WITH RECURSIVE a (n) AS (SELECT id FROM shop.sale UNION ALL SELECT n + 1 FROM a WHERE n < 9) SELECT n FROM a":                                    1,
			"WITH RECURSIVE a (n, m) AS (SELECT id, 1 FROM shop.sale UNION ALL SELECT r.id, a.m + 1 FROM shop.region r JOIN a ON a.n = r.id) SELECT * FROM a": 2,
			"WITH sale AS (SELECT * FROM shop.sale) SELECT id FROM sale, (WITH sale AS (SELECT id AS n FROM shop.region) SELECT n FROM sale) q":               2,
			"SELECT id FROM shop /* of */ . -- which\n sale":                                           1,
			"SELECT id AS distinct, region AS as FROM ONLY shop.sale":                                  1,
			"SELECT id FROM shop.sale WHERE id = 7":                                                    1,
			`SELECT id FROM "shop"."sale" AS "x" /* shop.sold */ WHERE 'FROM shop.sold' <> ''`:         1,
			"SELECT SHOP.Sale.id FROM SHOP.Sale, Shop.Region r WHERE extract(day FROM sale.at) = r.id": 2,
			`SELECT id FROM "odd schema"."a ""table""" x`:                                              1,
			"SELECT id FROM shop.a_b":                                                                  1,
			"SELECT a.id FROM shop.sale a JOIN shop.sale b USING (id)":                                 1,
			"SELECT * FROM (shop.sale s JOIN shop.region r ON s.region = r.id)":                        2,
			"SELECT * FROM ((SELECT id FROM shop.sale) UNION (SELECT id FROM shop.region)) q":          2,
			"WITH big AS (SELECT * FROM shop.sale WHERE id > 9) SELECT id FROM big b":                  1,
			"WITH a (n) AS (SELECT id FROM shop.sale), b AS (SELECT n FROM a) SELECT n FROM b":         1,
			"SELECT id FROM shop.sale WHERE id IN (SELECT id FROM shop.region) ORDER BY id LIMIT 5":    2,
			"SELECT id, (SELECT max(name) FROM shop.region) FROM shop.sale":                            2,
			"SELECT id, row_number() OVER (PARTITION BY region ORDER BY id) FROM shop.sale":            1,
			"SELECT DISTINCT region FROM shop.sale EXCEPT SELECT id FROM shop.region":                  2,
			"SELECT count(*) FROM shop.sale s LEFT JOIN shop.region r ON s.region = r.id, shop.a_b":    3,
		} {
			got, err := redshift.LastModified(t.Context(), s, query)
			if err != nil || len(strings.Split(got, "; ")) != tables {
				t.Errorf("%s: got %q, %v, want %d tables", query, got, err, tables)
			}
		}
		before := mustModified(t, s, "SELECT id FROM shop.sale")
		b.Warehouse.HideTableSubtype()
		if got := mustModified(t, s, "SELECT id FROM shop.sale"); got != before {
			t.Errorf("before patch 197: got %q, want %q", got, before)
		}
	})
}

func TestLastModified_SaysWhyNotToTrust(t *testing.T) {
	t.Parallel()
	b := modifiedSetup(t)
	b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
		for query, reason := range map[string]string{
			"SELECT 1":                    "reads no table",
			"SELECT id FROM sale":         "sale is named without its schema",
			"SELECT id FROM dw.shop.sale": "dw.shop.sale is named with a database",
			"SELECT id FROM shop.sold":    "scans sale, which the query does not name",
			"SELECT s.id FROM shop.sale s JOIN shop.sold USING (id)":                     "shop.sold is a VIEW",
			"SELECT s.id FROM shop.sale s, (shop.region r JOIN shop.sold USING (id))":    "shop.sold is a VIEW",
			"SELECT id FROM shop.sale UNION ALL SELECT 1. FROM shop.sold":                "shop.sold is a VIEW",
			"SELECT id FROM shop.sale UNION ALL SELECT b.as FROM shop.sold AS b(\"as\")": "shop.sold is a VIEW",
			"SELECT id FROM shop.sale WHERE id IN (SELECT id FROM shop.both)":            "shop.both is a VIEW",
			"SELECT name FROM shop.sale JOIN shop.region USING (id), shop.sold":          "shop.sold is a VIEW",
			"SELECT n FROM shop.sums":                 "shop.sums is a VIEW",
			"SELECT id FROM shop.untracked":           "does not tell when shop.untracked",
			"SELECT id FROM shop.axb":                 "does not tell when shop.axb",
			"SELECT n FROM shop.ids() n":              "reads from a function, shop.ids",
			"SELECT relname FROM pg_catalog.pg_class": `its plan has "LD Seq Scan on pg_class"`,
			"SELECT id FROM shop.nowhere":             `relation "shop.nowhere" does not exist`,
			`SELECT id FROM shop."Sale"`:              `"Sale" has capital letters`,
			"SELECT sold.id FROM sold, (WITH sold AS (SELECT id FROM shop.sale) SELECT 1) q":                                      "sold is named without its schema",
			"WITH sold AS (SELECT id FROM sold) SELECT id FROM sold":                                                              "sold is named without its schema",
			"WITH a AS (SELECT id FROM b), b AS (SELECT id FROM shop.sale) SELECT id FROM a":                                      "b is named without its schema",
			"WITH a AS (SELECT max(id) AS n FROM shop.sale) SELECT a.n FROM a, a AS b":                                            "scans volt_tt_",
			"SELECT id FROM shop.sale, s.things":                                                                                  `schema "s" does not exist`,
			"SELECT 'never closed":                                                                                                "cannot be read",
			"SELECT 1 AS as FROM shop.sold WHERE EXISTS (SELECT 1 FROM shop.sale)":                                                "shop.sold is a VIEW",
			"SELECT 1 AS distinct FROM shop.sold WHERE EXISTS (SELECT 1 FROM shop.sale)":                                          "shop.sold is a VIEW",
			"SELECT id FROM elsewhere.shop.sale":                                                                                  "elsewhere.shop.sale is named with a database",
			"WITH RECURSIVE a (n) AS (SELECT id FROM a UNION ALL SELECT n FROM b) SELECT 1":                                       "b is named without its schema",
			"WITH a (n) AS (SELECT id FROM a) SELECT n FROM a":                                                                    "a is named without its schema",
			"WITH RECURSIVE a (n) AS (SELECT id FROM shop.sold UNION ALL SELECT n FROM a WHERE n < 0) SELECT n FROM a, shop.sale": "scans volt_tt_",
		} {
			_, err := redshift.LastModified(t.Context(), s, query)
			var untrusted *redshift.UntrustedError
			if !errors.As(err, &untrusted) {
				t.Errorf("%s: got %v", query, err)
				continue
			}
			if query == "SELECT id FROM shop.sale, s.things" { // EXPLAIN says it in other words
				reason = `"s.things" does not exist`
			}
			linktest.Contains(t, untrusted.Error(), reason)
		}
		// Whatever Redshift said, the session works on.
		mustModified(t, s, "SELECT id FROM shop.sale")
		linktest.Text(t, tx, "SELECT 'in the same transaction'")
	})
}

// plan is a source that knows one plan.
type plan []string

func (p plan) Rows(context.Context, string, int) ([][]*string, error) {
	rows := make([][]*string, len(p))
	for i := range p {
		rows[i] = []*string{&p[i]}
	}
	return rows, nil
}

// The plans are Redshift's, from its documentation and from reports.
func TestLastModified_DoesNotTrustAPlanThatReadsMore(t *testing.T) {
	t.Parallel()
	for reason, lines := range map[string]plan{
		"scans mv_tbl__tickets_mv__0": {
			"XN HashAggregate  (cost=11.85..12.35 rows=200 width=41)",
			"  ->  XN Seq Scan on mv_tbl__tickets_mv__0 derived_table1  (cost=0.00..7.90 rows=790 width=41)",
		},
		`"XN Partition Loop"`: {
			"XN Partition Loop  (cost=0.00..39.00 rows=1000 width=66)",
			"  ->  XN Seq Scan PartitionInfo of s.uservisits uv  (cost=0.00..10.00 rows=1000 width=0)",
		},
		`"XN S3 Query Scan uv"`:   {"XN S3 Query Scan uv  (cost=0.00..9.62 rows=3 width=16)"},
		"does not tell":           {},
		"plan scans no table":     {"XN Result  (cost=0.00..0.01 rows=1 width=0)"},
		"scans Sale, which":       {`XN Seq Scan on "Sale" s  (cost=0.00..1.00 rows=1 width=4)`},
		`scans odd "name", which`: {`XN Seq Scan on "odd ""name""" s  (cost=0.00..1.00 rows=1 width=4)`},
	} {
		_, err := redshift.LastModified(t.Context(), lines, "SELECT id FROM shop.sale")
		var untrusted *redshift.UntrustedError
		if !errors.As(err, &untrusted) || !strings.Contains(untrusted.Reason, reason) {
			t.Errorf("got %v, want %s", err, reason)
		}
	}
}

// answers is a source that knows what to say by how a statement begins.
type answers map[string][][]string

func (a answers) Rows(_ context.Context, sql string, _ int) ([][]*string, error) {
	for start, rows := range a {
		if !strings.HasPrefix(sql, start) {
			continue
		}
		result := make([][]*string, len(rows))
		for i, row := range rows {
			for n := range row {
				result[i] = append(result[i], &row[n])
			}
		}
		return result, nil
	}
	return nil, nil
}

// A stand-in has no values to go into, so what Redshift says is told here.
func TestLastModified_TellsPathsIntoValuesFromTables(t *testing.T) {
	t.Parallel()
	source := answers{
		"SELECT current_database()": {{"dw"}},
		"EXPLAIN ": {
			{"XN Nested Loop DS_BCAST_INNER  (cost=0.00..9.00 rows=9 width=4)"},
			{"  ->  XN Unnest  (cost=0.00..9.00 rows=9 width=4)"},
			{"  ->  XN Seq Scan on customer c  (cost=0.00..9.00 rows=9 width=4)"},
		},
		"SHOW TABLES": {{"dw", "shop", "customer", "TABLE", "", "", "", "yesterday", "today", "", ""}},
	}
	for _, query := range []string{
		"SELECT o.id FROM shop.customer c, c.orders o",
		"SELECT o.id FROM shop.customer AS c, c.orders AS o AT i, o.items[0].parts p",
		"SELECT o.id FROM shop.customer, customer.orders o",
		"SELECT o.id FROM dw.shop.customer c LEFT JOIN c.orders o ON true, o.items",
		"SELECT v FROM shop.customer c, c.orders[0].items AS i, UNPIVOT i.attrs AS v AT k",
		"WITH a AS (SELECT orders FROM shop.customer) SELECT o.id FROM a, a.orders o",
		"SELECT o.id FROM (SELECT orders FROM shop.customer) c, c.orders o",
		"SELECT o.id FROM (shop.customer c JOIN shop.customer d USING (id)), d.orders o",
		"SELECT id FROM shop.customer c WHERE EXISTS (SELECT 1 FROM c.orders o WHERE o.id = 1)",
	} {
		if _, err := redshift.LastModified(t.Context(), source, query); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
	for query, reason := range map[string]string{
		"SELECT o.id FROM shop.customer c, d.orders o":             "SHOW TABLES does not show d.orders",
		"SELECT o.id FROM c.orders o, shop.customer c":             "SHOW TABLES does not show c.orders",
		"SELECT 1 FROM shop.customer c UNION SELECT 1 FROM c.sold": "SHOW TABLES does not show c.sold",
		"SELECT o.id FROM shop.customer c, c o":                    "c is named without its schema",
		"SELECT o.id FROM shop.customer c, d[0].orders o":          "what the query reads at \"d\" cannot be told",
		"SELECT o.id FROM shop.customer c, c.orders(1) o":          "from a function, c.orders",
	} {
		_, err := redshift.LastModified(t.Context(), source, query)
		if untrusted := (*redshift.UntrustedError)(nil); !errors.As(err, &untrusted) || !strings.Contains(untrusted.Reason, reason) {
			t.Errorf("%s: got %v, want %s", query, err, reason)
		}
	}
	source["SELECT nspname"] = [][]string{{"c", "c"}}
	_, err := redshift.LastModified(t.Context(), source, "SELECT o.id FROM shop.customer c, c.orders o")
	if err == nil || !strings.Contains(err.Error(), "c is a schema or a database") {
		t.Errorf("a schema named as an alias: got %v", err)
	}
}

func TestLastModified_FailsWithTheSession(t *testing.T) {
	t.Parallel()
	b := modifiedSetup(t)
	b.InTx(t, func(tx pgx.Tx) {
		s := linktest.Open(t, tx, "dw")
		b.Warehouse.FailNext("SHOW TABLES", redshiftsim.EngineError{Code: "57014", Message: "Query (1) canceled on user's request"})
		_, err := redshift.LastModified(t.Context(), s, "SELECT id FROM shop.sale")
		if sqlstate(err) != "57014" {
			t.Errorf("got %v, want 57014", err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func mustModified(t testing.TB, src redshift.Source, query string) string {
	t.Helper()
	text, err := redshift.LastModified(t.Context(), src, query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text
}
