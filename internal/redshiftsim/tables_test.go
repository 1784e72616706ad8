package redshiftsim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// texts runs a statement in a session and returns its rows as text, "<null>" for NULL.
func texts(t *testing.T, conn *pgx.Conn, sql string) [][]string {
	t.Helper()
	results, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	var rows [][]string
	for _, row := range results[0].Rows {
		var values []string
		for _, value := range row {
			if value == nil {
				value = []byte("<null>")
			}
			values = append(values, string(value))
		}
		rows = append(rows, values)
	}
	return rows
}

func TestServer_ShowsTables(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	exec(t, warehouse, `
		CREATE SCHEMA "odd schema";
		CREATE TABLE "odd schema"."a_b" (id int); CREATE TABLE "odd schema".axb (id int); CREATE TABLE "odd schema".c (id int);
		CREATE VIEW "odd schema".v AS SELECT 1 AS n; CREATE MATERIALIZED VIEW "odd schema".m AS SELECT 1 AS n;
		COMMENT ON TABLE "odd schema".c IS 'see'`)
	warehouse.TrackChanges(t, `"odd schema".c`)
	conn := connect(t, warehouse)
	from := `SHOW TABLES FROM SCHEMA "` + warehouse.Name + `"."Odd Schema"`
	for _, test := range []struct{ suffix, want string }{
		{"", "a_b TABLE REGULAR TABLE, axb TABLE REGULAR TABLE, c TABLE REGULAR TABLE, m VIEW MATERIALIZED VIEW, v VIEW REGULAR VIEW"},
		{" LIKE 'a_b'", "a_b TABLE REGULAR TABLE, axb TABLE REGULAR TABLE"},
		{" LIKE 'c'", "c TABLE REGULAR TABLE"},
		{" LIKE '%' LIMIT 1", "a_b TABLE REGULAR TABLE"},
		{" LIKE 'it\\'s'", ""},
	} {
		var got []string
		for _, row := range texts(t, conn, from+test.suffix) {
			got = append(got, row[2]+" "+row[3]+" "+row[10])
			if row[0] != warehouse.Name || row[1] != "odd schema" || (row[8] != "<null>") != (row[2] == "c") {
				t.Errorf("%s: got %q", test.suffix, row)
			}
		}
		if diff := cmp.Diff(test.want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s: %s", test.suffix, diff)
		}
	}
	if row := texts(t, conn, from+" LIKE 'c'")[0]; row[5] != "see" || row[9] != "AUTO (EVEN)" {
		t.Errorf("got %q", row)
	}
	warehouse.HideTableSubtype()
	if row := texts(t, conn, from+" LIKE 'c'")[0]; len(row) != 10 || row[9] != "AUTO (EVEN)" {
		t.Errorf("before patch 197: got %q", row)
	}
	_, err := conn.Exec(t.Context(), `SHOW TABLES FROM SCHEMA "`+warehouse.Name+`".nowhere`, pgx.QueryExecModeExec)
	wantError(t, err, "3F000", `schema "nowhere" does not exist`)
}

func TestServer_ShowsOnlyTablesThatTheUserMayRead(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	exec(t, warehouse, `CREATE SCHEMA s; CREATE TABLE s.open (id int); CREATE TABLE s.shut (id int); CREATE TABLE s.half (id int, n int)`)
	const user = "redshiftsim_table_reader"
	server := redshiftsim.StartFor(t, redshiftsim.Config{EngineURL: warehouse.EngineURL, Restricted: map[string]string{user: "pw"}})
	exec(t, warehouse, `GRANT SELECT ON s.open TO `+user+`; GRANT SELECT (id) ON s.half TO `+user)
	conn := pgtest.Connect(t, server.URL(warehouse.Name, user, "pw"))
	show := `SHOW TABLES FROM SCHEMA "` + warehouse.Name + `".s`
	if rows := texts(t, conn, show); len(rows) != 0 {
		t.Errorf("without USAGE: got %q", rows)
	}
	exec(t, warehouse, `GRANT USAGE ON SCHEMA s TO `+user)
	rows := texts(t, conn, show)
	if len(rows) != 2 || rows[0][2] != "half" || rows[1][2] != "open" {
		t.Errorf("got %q", rows)
	}
}

func TestWarehouse_NotesChangesAfterTheLag(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	exec(t, warehouse, `CREATE TABLE c (id int); CREATE TABLE other (id int)`)
	warehouse.TrackChanges(t, "public.c", "public.other")
	conn := connect(t, warehouse)
	times := func() (altered, modified string) {
		row := texts(t, conn, `SHOW TABLES FROM SCHEMA "`+warehouse.Name+`".public LIKE 'c'`)[0]
		return row[7], row[8]
	}
	altered, original := times()
	modified := original
	for _, change := range []string{
		"INSERT INTO c VALUES (1), (2)", "UPDATE c SET id = 3 WHERE id = 1", "DELETE FROM c WHERE id = 2", "TRUNCATE c",
	} {
		warehouse.NoteChangesAfter(time.Hour)
		exec(t, warehouse, change)
		if _, got := times(); got != original {
			t.Errorf("%s: noted at once", change)
		}
		warehouse.NoteChangesAfter(0)
		_, got := times()
		if got <= modified {
			t.Errorf("%s: got %s after %s", change, got, modified)
		}
		modified = got
	}
	exec(t, warehouse, "VACUUM c")
	exec(t, warehouse, "ANALYZE c; INSERT INTO other VALUES (1)")
	if a, m := times(); a != altered || m != modified {
		t.Errorf("nothing changed: got %s and %s, want %s and %s", a, m, altered, modified)
	}
	exec(t, warehouse, "ALTER TABLE c ADD n int")
	if a, m := times(); a <= altered || m != modified {
		t.Errorf("altered: got %s and %s after %s and %s", a, m, altered, modified)
	}
}

func TestServer_ExplainsWithTheNodesOfRedshift(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	exec(t, warehouse, `
		CREATE TABLE sale (id int PRIMARY KEY, region int, "odd name" varchar(9)); CREATE TABLE region (id int PRIMARY KEY, name varchar(9));
		CREATE VIEW sold AS SELECT id, region FROM sale WHERE region > 1;
		INSERT INTO sale SELECT n, n % 5, 'x' FROM generate_series(1, 5000) n; INSERT INTO region SELECT n, n % 3 FROM generate_series(1, 500) n; ANALYZE`)
	conn := connect(t, warehouse)
	for query, want := range map[string]string{
		`EXPLAIN SELECT id FROM sale WHERE id = 7`: `
XN Seq Scan on sale
  Filter: (sale.id = 7)`,
		`EXPLAIN VERBOSE SELECT s.id FROM public.sale s`: `
XN Seq Scan on sale s`,
		`EXPLAIN SELECT r.name, count(*) FROM public.sale s JOIN region r ON r.id = s.region WHERE "Odd name" <> 'it\'s' GROUP BY 1 ORDER BY 2`: `
XN Merge
  Merge Key: (count(*))
  ->  XN Network
        Send to leader
        ->  XN Sort
              Sort Key: (count(*))
              ->  XN HashAggregate
                    ->  XN Hash Join DS_DIST_NONE
                          Hash Cond: (s.region = r.id)
                          ->  XN Seq Scan on sale s
                                Filter: ((s."odd name")::text <> 'it''s'::text)
                          ->  XN Hash
                                ->  XN Seq Scan on region r`,
		`EXPLAIN SELECT count(*) FROM sold LIMIT 3`: `
XN Limit
  ->  XN Aggregate
        ->  XN Seq Scan on sale
              Filter: (sale.region > 1)`,
		`EXPLAIN SELECT id FROM sale UNION ALL SELECT id FROM region`: `
XN Append
  ->  XN Seq Scan on sale
  ->  XN Seq Scan on region`,
		`EXPLAIN SELECT relname FROM pg_class`: `
LD Seq Scan on pg_class`,
		`EXPLAIN SELECT * FROM generate_series(1, 3) n`: `
LD Function Scan on generate_series n`,
		`EXPLAIN SELECT 1`: `
XN Result`,
	} {
		var got strings.Builder
		for _, row := range texts(t, conn, query) {
			line, _, _ := strings.Cut(row[0], "  (cost=")
			got.WriteString("\n" + line)
		}
		if diff := cmp.Diff(want, got.String()); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	rows := texts(t, conn, "EXPLAIN WITH a AS (SELECT max(id) AS n FROM sale) SELECT * FROM a, a AS b")
	if plan := strings.Join(rows[len(rows)-1], ""); !strings.Contains(plan, "XN Seq Scan on volt_tt_") {
		t.Errorf("got %q", rows)
	}
	_, err := conn.Exec(t.Context(), "EXPLAIN SELECT * FROM nowhere", pgx.QueryExecModeExec)
	wantError(t, err, "42P01", `relation "nowhere" does not exist`)
}
