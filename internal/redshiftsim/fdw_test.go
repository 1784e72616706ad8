package redshiftsim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// foreign makes foreign tables a and b of 250 rows each, as an ordinary role.
func foreign(t *testing.T, w *redshiftsim.Warehouse) *pgxpool.Pool {
	t.Helper()
	exec(t, w, `
		CREATE TABLE a AS SELECT n AS id, 'name ' || n AS name, n * 1.5 AS amount FROM generate_series(1, 250) n;
		CREATE TABLE b AS SELECT * FROM a`)
	cache := pgtest.New(t).Pool(t)
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" } // standard strings here
	statements := []string{
		fmt.Sprintf(`CREATE SERVER dw FOREIGN DATA WRAPPER postgres_fdw
			OPTIONS (host '%s', port '%d', dbname '%s', sslmode 'verify-full', sslrootcert '%s')`,
			w.Host(), w.Port(), w.Name, w.CACert()),
		fmt.Sprintf(`CREATE USER MAPPING FOR CURRENT_USER SERVER dw OPTIONS (user '%s', password %s)`,
			redshiftsim.User, quote(redshiftsim.Password)),
	}
	for _, table := range []string{"a", "b"} {
		statements = append(statements, fmt.Sprintf(
			`CREATE FOREIGN TABLE %s (id int, name text, amount numeric) SERVER dw OPTIONS (schema_name 'public')`, table))
	}
	for _, statement := range statements {
		if _, err := cache.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return cache
}

func TestServer_ServesForeignTables(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	cache := foreign(t, warehouse)
	var sum float64
	err := cache.QueryRow(t.Context(), `SELECT sum(amount)::float8 FROM (SELECT * FROM a OFFSET 0) q`).Scan(&sum)
	if err != nil || sum != 47062.5 {
		t.Fatalf("got %v, %v, want 47062.5", sum, err)
	}
	var sent []string
	for _, statement := range warehouse.Statements() {
		sent = append(sent, statement.SQL)
	}
	for _, want := range []string{
		"SET search_path = pg_catalog", "SET extra_float_digits = 2", "START TRANSACTION ISOLATION LEVEL REPEATABLE READ",
		"FETCH 100 FROM c1", "CLOSE c1", "COMMIT TRANSACTION",
	} {
		if !slices.Contains(sent, want) {
			t.Errorf("%q was not sent: %q", want, sent)
		}
	}
	if slices.ContainsFunc(sent, func(sql string) bool { return strings.Contains(sql, "intervalstyle") }) {
		t.Errorf("intervalstyle was sent to a server of 8.0: %q", sent)
	}
}

// What a foreign table of a cluster cannot do.
func TestServer_RefusesForeignTables(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	cache := foreign(t, warehouse)
	for _, test := range []struct{ name, sql, code, message string }{
		{
			"two open scans", `SELECT count(*) FROM (SELECT id FROM a OFFSET 0) x JOIN (SELECT id FROM b OFFSET 0) y USING (id)`,
			"0A000", "only one cursor can be open in a session",
		},
		{
			"EXCEPTION block", `DO $$ BEGIN PERFORM name FROM a; EXCEPTION WHEN unique_violation THEN NULL; END $$`,
			"0A000", "SAVEPOINT is not supported",
		},
		{
			"rescan", `
				BEGIN; SET LOCAL enable_material = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
				SELECT count(*) FROM generate_series(1, 3) AS g(n) LEFT JOIN a ON a.id % g.n = 0 AND random() < 2`,
			"0A000", "MOVE is not supported",
		},
		{"ANALYZE", `ANALYZE a`, "42883", "function pg_relation_size(regclass) does not exist"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			conn, err := pgx.ConnectConfig(t.Context(), cache.Config().ConnConfig)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context())
			_, err = conn.Exec(t.Context(), test.sql, pgx.QueryExecModeSimpleProtocol)
			wantError(t, err, test.code, test.message)
		})
	}
}
