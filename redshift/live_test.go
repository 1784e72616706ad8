package redshift_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/redshift"
)

// What is only shown needs no names of its own, and is called as it would be called anywhere.
func TestDescribeLive_TakesColumnsOfAnyName(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	linktest.Exec(t, b.Warehouse.Engine, `CREATE TABLE source AS SELECT 7 AS id, 'x'::varchar(9) AS note`)
	b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
		for _, query := range []string{
			"SELECT 1 + 1",
			"SELECT 1, 2, 'x', -id FROM source",
			"SELECT s.id, s.id, public.source.id FROM source s, source WHERE s.id = 7",
			"SELECT DISTINCT id AS a, id AS a FROM source ORDER BY 2",
			"SELECT count(*), count(id), upper(note), upper(note) up, pg_catalog.upper(note) FROM source GROUP BY note",
			"SELECT CASE WHEN id > 1 THEN 1 END, CASE WHEN id > 1 THEN 1 END AS \"case\", id::bigint, id FROM source",
			"SELECT id AS \"a \"\"b\", id AS \"a \"\"b\", id + (SELECT 2) FROM source -- it ends",
			"WITH s AS (SELECT id FROM source) SELECT id, id FROM s LIMIT 1;",
			"(SELECT id, id FROM source UNION SELECT 1, 2)",
			"SELECT id AS xmin, note AS ctid FROM source",
			"SELECT " + strings.Repeat("n", 63) + "  FROM (SELECT 1 AS " + strings.Repeat("n", 63) + ") x",
			"SELECT sum(id) OVER (ROWS UNBOUNDED PRECEDING), sum(id) AS total, a.id FROM source a GROUP BY id",
		} {
			text, err := redshift.ReadQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			live, err := redshift.DescribeLive(t.Context(), s, text)
			if err != nil {
				t.Errorf("%s: %v", query, err)
				continue
			}
			if want := namesThere(t, b, text); !slices.Equal(live.Names, want) {
				t.Errorf("%s: the columns are called %q, want %q", query, live.Names, want)
			}
			sql, err := redshift.Select(live.Columns, live.Query, "", redshift.StripNUL)
			if err != nil {
				t.Fatal(err)
			}
			var n int
			read := "SELECT count(*) FROM (" + dblink.Select(s.Schema(), "dw", live.Columns, sql) + ") r"
			if err := tx.QueryRow(t.Context(), read).Scan(&n); err != nil || n == 0 {
				t.Errorf("%s: %d rows, %v", query, n, err)
			}
		}
	})
}

// namesThere are what the source calls the columns.
func namesThere(t *testing.T, b *linktest.Bundle, query string) (names []string) {
	t.Helper()
	rows, err := b.Warehouse.Engine.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for _, field := range rows.FieldDescriptions() {
		names = append(names, field.Name)
	}
	return names
}

// A mistake stays the mistake that it is, and all columns of several tables are called by their place.
func TestDescribeLive_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	linktest.Exec(t, b.Warehouse.Engine, "CREATE TABLE source AS SELECT 7 AS id")
	b.InSession(t, func(_ pgx.Tx, s *dblink.Session) {
		_, err := redshift.DescribeLive(t.Context(), s, "SELECT 1, 2, nothing FROM source")
		if sqlstate(err) != "42703" {
			t.Errorf("got %v", err)
		}
		live, err := redshift.DescribeLive(t.Context(), s, "SELECT * FROM source a JOIN source b ON a.id = b.id")
		if want := []string{"column1", "column2"}; err != nil || !slices.Equal(live.Names, want) {
			t.Errorf("got %q, %v", live.Names, err)
		}
	})
}
