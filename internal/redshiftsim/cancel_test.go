package redshiftsim_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

func TestServer_DelaysUntilCancelled(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	conn := connect(t, warehouse)
	const delay = 50 * time.Millisecond
	warehouse.Delay(delay)
	begin := time.Now()
	if _, err := conn.Exec(t.Context(), "SELECT 1"); err != nil || time.Since(begin) < delay {
		t.Errorf("got %v after %v, want nothing before %v", err, time.Since(begin), delay)
	}
	if _, err := conn.PgConn().Prepare(t.Context(), "", "SELECT 1", nil); err != nil {
		t.Error(err)
	}
	if result := conn.PgConn().ExecPrepared(t.Context(), "", nil, nil, nil).Read(); result.Err != nil || len(result.Rows) != 1 {
		t.Errorf("a statement without a name, prepared before: %d rows, %v", len(result.Rows), result.Err)
	}
	warehouse.Delay(time.Hour)
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		delayed := make(chan error, 1)
		go func() {
			_, err := conn.Exec(t.Context(), "SELECT 2", mode)
			delayed <- err
		}()
		await(t, func() bool { return sleeping(t, warehouse) })
		if err := conn.PgConn().CancelRequest(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := <-delayed
		if e := (*pgconn.PgError)(nil); !errors.As(err, &e) || e.Code != "57014" ||
			!strings.HasSuffix(e.Message, "canceled on user's request") {
			t.Errorf("got %v, want a cancelled query", err)
		}
	}
	warehouse.Delay(0)
	if _, err := conn.Exec(t.Context(), "SELECT 3"); err != nil {
		t.Errorf("the session after: %v", err)
	}
}

func TestServer_CancelsAndTerminates(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	const endless = "SELECT count(*) FROM generate_series(1, 100000000000)"
	killer := connect(t, warehouse)
	for _, test := range []struct{ function, code, message string }{
		{"pg_cancel_backend", "57014", "canceled on user's request"},
		{"pg_terminate_backend", "57P01", "terminating connection due to administrator command"},
	} {
		victim := connect(t, warehouse)
		var pid uint32
		if err := victim.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil || pid != victim.PgConn().PID() {
			t.Fatalf("got pid %d, %v, want %d", pid, err, victim.PgConn().PID())
		}
		running := start(t, victim, endless)
		await(t, func() bool { return active(t, warehouse) == 1 })
		var done bool
		if err := killer.QueryRow(t.Context(), "SELECT "+test.function+"($1)", pid).Scan(&done); err != nil || !done {
			t.Errorf("%s: got %v, %v", test.function, done, err)
		}
		err := <-running
		if e := (*pgconn.PgError)(nil); !errors.As(err, &e) || e.Code != test.code || !strings.HasSuffix(e.Message, test.message) {
			t.Errorf("%s: got %v, want %s %s", test.function, err, test.code, test.message)
		}
	}
	_, err := killer.Exec(t.Context(), "SET statement_timeout TO 50; "+endless)
	if e := (*pgconn.PgError)(nil); !errors.As(err, &e) || e.Code != "57014" || !strings.HasPrefix(e.Message, "Query (") {
		t.Errorf("statement_timeout: got %v", err)
	}
}

func TestServer_CancelsForDblink(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	cache := pgtest.Connect(t, pgtest.New(t).URL)
	for _, sql := range []string{
		"SELECT dblink_connect('c', '" + strings.ReplaceAll(conninfo(warehouse), "'", "''") + "')",
		"SELECT dblink_send_query('c', 'SELECT count(*) FROM generate_series(1, 100000000000)')",
	} {
		if _, err := cache.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	await(t, func() bool { return active(t, warehouse) == 1 })
	var answer string
	if err := cache.QueryRow(t.Context(), "SELECT dblink_cancel_query('c')").Scan(&answer); err != nil || answer != "OK" {
		t.Fatalf("got %q, %v", answer, err)
	}
	_, err := cache.Exec(t.Context(), "SELECT n FROM dblink_get_result('c') AS t(n bigint)")
	if e := (*pgconn.PgError)(nil); !errors.As(err, &e) || e.Code != "57014" || !strings.HasPrefix(e.Message, "Query (") {
		t.Errorf("got %v, want a cancelled query", err)
	}
}

func TestServer_CancelsASlowTransfer(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	conn := connect(t, warehouse)
	warehouse.Throttle(50)
	rows, err := conn.Query(t.Context(), "SELECT * FROM generate_series(1, 5000)")
	if err != nil || !rows.Next() {
		t.Fatalf("got no row, %v", err)
	}
	await(t, func() bool { return active(t, warehouse) == 0 }) // the engine is done
	if err := conn.PgConn().CancelRequest(t.Context()); err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
	}
	if e := (*pgconn.PgError)(nil); !errors.As(rows.Err(), &e) || e.Code != "57014" {
		t.Errorf("got %v, want a cancelled query", rows.Err())
	}
	warehouse.Throttle(0)
	if _, err := conn.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("the session after: %v", err)
	}
}
