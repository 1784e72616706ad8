package redshiftsim_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// client is a session of some kind with the stand-in that sends a text and returns its error.
type client struct {
	name string
	send func(ctx context.Context, sql string) error
}

// clients are what the product uses: pgconn and pgx in Go, and libpq inside of a cache database, as an ordinary role.
func clients(t *testing.T, w *redshiftsim.Warehouse) []client {
	t.Helper()
	raw, cooked := connect(t, w).PgConn(), connect(t, w)
	cache := pgtest.Connect(t, pgtest.New(t).URL)
	if _, err := cache.Exec(t.Context(), "SELECT dblink_connect('c', $1)", conninfo(w)); err != nil {
		t.Fatal(err)
	}
	return []client{
		{"pgconn", func(ctx context.Context, sql string) error {
			_, err := raw.Exec(ctx, sql).ReadAll()
			return err
		}},
		{"pgx", func(ctx context.Context, sql string) error {
			statements := []string{sql}
			if strings.HasPrefix(sql, "BEGIN; ") { // a prepared statement is one command
				statements = strings.Split(sql, "; ")
			}
			for _, statement := range statements {
				if _, err := cooked.Exec(ctx, statement, pgx.QueryExecModeExec); err != nil {
					return err
				}
			}
			return nil
		}},
		{"dblink", func(ctx context.Context, sql string) error {
			_, err := cache.Exec(ctx, "SELECT dblink_exec('c', $1)", sql)
			return err
		}},
	}
}

// connect opens a session as the stand-in's user and closes it when the test ends.
func connect(t *testing.T, w *redshiftsim.Warehouse) *pgx.Conn {
	t.Helper()
	conn := pgtest.Connect(t, w.UserURL())
	return conn
}

func TestServer_Refuses(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	exec(t, warehouse, `CREATE TABLE tickit_example (id int, name varchar(20))`)
	for _, client := range clients(t, warehouse) {
		for _, refusal := range redshiftsim.Refusals() {
			if refusal.Example == "" {
				continue
			}
			t.Run(client.name+"/"+refusal.Name, func(t *testing.T) { // one after the other, in one session
				wantError(t, client.send(t.Context(), refusal.Example), refusal.Code, refusal.Message)
				if err := client.send(t.Context(), "ROLLBACK"); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestRefusals_NameTheirSource(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, refusal := range redshiftsim.Refusals() {
		if refusal.Source == "" || seen[refusal.Name] {
			t.Errorf("refusal %q has no source or comes twice", refusal.Name)
		}
		seen[refusal.Name] = true
	}
}

// What looks like something refused, and is not.
func TestServer_Takes(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	exec(t, warehouse, `CREATE TABLE tickit_example (id int, name varchar(20))`)
	clients := clients(t, warehouse)[:2] // dblink_exec takes no rows
	for _, test := range []struct{ name, sql string }{
		{"text in literals", `SELECT 'SAVEPOINT s; E''x'' ARRAY[1] ctid now()' FROM tickit_example`},
		{"text in comments", `SELECT 1 /* ARRAY[1] /* nested */ now() */ FROM tickit_example -- DISTINCT ON (`},
		{"text in names", `SELECT id AS "ARRAY[", name AS "xmin" FROM tickit_example`},
		{"leader functions alone", `SELECT version(), now(), current_schema(), current_timestamp`},
		{"series alone", `SELECT * FROM generate_series(1, 3)`},
		{"catalogs", `SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'pg_class'::regclass`},
		{"subquery for ANY", `SELECT id FROM tickit_example WHERE id = ANY (SELECT 1)`},
		{"getdate next to a table", `SELECT getdate(), sysdate, id FROM tickit_example`},
		{"UNION of literals and columns", `SELECT 'a' AS x UNION ALL SELECT name FROM tickit_example`},
		{"literals in groups", `SELECT 'a' AS x, 'b', count(*) FROM tickit_example GROUP BY x, 2`},
		{"literals in order", `SELECT 'a' AS x, id FROM tickit_example ORDER BY 1, id`},
		{"distinct literals", `SELECT DISTINCT 'a' AS x FROM tickit_example`},
		{"literals that are passed on", `SELECT x, x IS NULL AS y FROM (SELECT 'a' AS x, id FROM tickit_example) q WHERE x IS NOT NULL`},
		{"EXPLAIN", `EXPLAIN SELECT id FROM tickit_example`},
		{"FETCH forward", `BEGIN; DECLARE c CURSOR FOR SELECT 1; FETCH FORWARD 10 FROM c`},
		{"settings", `SET query_group TO 'redcache'`},
		{"extra_float_digits", `SET extra_float_digits TO 2`},
		{"statement_timeout", `SET statement_timeout TO 30000`},
		{"search_path", `SET search_path TO a, "b c"`},
		{"own variable", `SET app.tenant TO 'x'`},
		{"nothing", ` ; -- nothing`},
	} {
		for _, client := range clients {
			t.Run(client.name+"/"+test.name, func(t *testing.T) {
				err := client.send(t.Context(), test.sql)
				if err := errors.Join(err, client.send(t.Context(), "ROLLBACK")); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func wantError(t *testing.T, err error, code, message string) {
	t.Helper()
	pgErr := (*pgconn.PgError)(nil)
	if !errors.As(err, &pgErr) {
		t.Fatalf("got %v, want %s %s", err, code, message)
	}
	if pgErr.Code != code || pgErr.Message != message {
		t.Errorf("got %s %s, want %s %s", pgErr.Code, pgErr.Message, code, message)
	}
}

// exec changes the engine behind the stand-in's back.
func exec(t *testing.T, w *redshiftsim.Warehouse, sql string) {
	t.Helper()
	if _, err := w.Engine.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}
