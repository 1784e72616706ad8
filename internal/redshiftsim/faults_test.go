package redshiftsim_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// patience bounds what must happen soon; it is only reached by a failing test.
const patience = 20 * time.Second

func TestServer_FailsOneStatementAsTold(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	cache := pgtest.New(t).Pool(t)
	for _, test := range []struct {
		name    string
		err     redshiftsim.EngineError
		message string
		detail  string
	}{
		{"1018", redshiftsim.RelationVanished(), "1018", "Relation does not exist."},
		{"1020", redshiftsim.SystemAbort(), "abort query", "code:      1020"},
		{"1023", redshiftsim.SerializationFailure(100), "1023", "Serializable isolation violation on table - 100"},
		{"rule", redshiftsim.RuleAbort("r"), `Query (150) cancelled by WLM abort action of Query Monitoring Rule "r".`, ""},
		{"disk", redshiftsim.DiskFull(), "Disk Full", "code:      1016"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sql := "SELECT '" + test.name + "'::varchar"
			warehouse.FailNext(sql, test.err)
			_, err := connect(t, warehouse).Exec(t.Context(), sql)
			wantError(t, err, "XX000", test.message)
			warehouse.FailNext(sql, test.err)
			_, err = cache.Exec(t.Context(), `SELECT v FROM dblink($1, $2) AS t(v text)`, conninfo(warehouse), sql)
			wantError(t, err, "XX000", test.message)
			if e := (*pgconn.PgError)(nil); errors.As(err, &e) && !strings.Contains(e.Detail, test.detail) {
				t.Errorf("got detail %q, want %q in it", e.Detail, test.detail)
			}
			if _, err = connect(t, warehouse).Exec(t.Context(), sql); err != nil {
				t.Errorf("the statement after: %v", err)
			}
		})
	}
}

func TestServer_FailsAfterRows(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	conn := connect(t, warehouse)
	cache := pgtest.New(t).Pool(t)
	for _, size := range []int{10, 1_000_000} { // the engine is done before it can be cancelled, or it is not
		query := "SELECT * FROM generate_series(1, " + strconv.Itoa(size) + ")"
		warehouse.FailAfter(3, redshiftsim.SystemAbort())
		rows, err := conn.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for rows.Next() {
			n++
		}
		wantError(t, rows.Err(), "XX000", "abort query")
		if n != 3 {
			t.Errorf("got %d rows, want 3", n)
		}
		warehouse.FailAfter(3, redshiftsim.SystemAbort())
		_, err = cache.Exec(t.Context(), `SELECT n FROM dblink($1, $2) AS t(n int)`, conninfo(warehouse), query)
		wantError(t, err, "XX000", "abort query")
		if _, err := conn.Exec(t.Context(), query); err != nil {
			t.Errorf("the result after: %v", err)
		}
	}
}

func TestServer_DropsAll(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	conn := connect(t, warehouse)
	running := start(t, connect(t, warehouse), "SELECT count(*) FROM generate_series(1, 100000000000)")
	await(t, func() bool { return len(unfinished(warehouse)) == 1 })
	warehouse.DropAll()
	wantDropped(t, <-running)
	_, err := conn.Exec(t.Context(), "SELECT 1")
	wantDropped(t, err)
	await(t, func() bool { return warehouse.Sessions() == 0 })
	// The engine must not go on for nobody.
	await(t, func() bool { return engineSessions(t, warehouse) == 0 })
	if _, err := connect(t, warehouse).Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("the next login: %v", err)
	}
}

func TestServer_DropsAfterRowsOnce(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	const query = "SELECT * FROM generate_series(1, 10)"
	for _, after := range []int{0, 3} {
		conn := connect(t, warehouse)
		warehouse.DropAfter(after)
		rows, err := conn.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for rows.Next() {
			n++
		}
		if n != after || rows.Err() == nil {
			t.Errorf("got %d rows and %v, want a cut after %d", n, rows.Err(), after)
		}
		if _, err := connect(t, warehouse).Exec(t.Context(), query); err != nil {
			t.Errorf("the next session: %v", err)
		}
	}
	warehouse.DropAfter(5)
	_, err := pgtest.New(t).Pool(t).Exec(t.Context(), `SELECT n FROM dblink($1, $2) AS t(n int)`, conninfo(warehouse), query)
	if e := (*pgconn.PgError)(nil); !errors.As(err, &e) || e.Code != "08006" {
		t.Errorf("dblink got %v, want 08006", err)
	}
}

func TestServer_StallsAndGoesOn(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	conn := connect(t, warehouse)
	warehouse.Stall(true)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := pgx.Connect(ctx, warehouse.UserURL()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a login during a stall got %v", err)
	}
	answered := start(t, conn, "SELECT 1")
	select {
	case err := <-answered:
		t.Errorf("a query during a stall got %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	warehouse.Stall(false)
	if err := <-answered; err != nil {
		t.Errorf("the query after the stall: %v", err)
	}
}

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
	cache, err := pgx.Connect(t.Context(), pgtest.New(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close(t.Context())
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
	_, err = cache.Exec(t.Context(), "SELECT n FROM dblink_get_result('c') AS t(n bigint)")
	if e := (*pgconn.PgError)(nil); !errors.As(err, &e) || e.Code != "57014" || !strings.HasPrefix(e.Message, "Query (") {
		t.Errorf("got %v, want a cancelled query", err)
	}
}

func TestServer_Throttles(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	conn := connect(t, warehouse)
	warehouse.Throttle(200)
	begin := time.Now()
	if _, err := conn.Exec(t.Context(), "SELECT * FROM generate_series(1, 20)"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < 90*time.Millisecond {
		t.Errorf("20 rows at 200 a second took %v", took)
	}
	warehouse.Throttle(1)
	slow := start(t, conn, "SELECT * FROM generate_series(1, 10000)")
	await(t, func() bool { return len(unfinished(warehouse)) == 1 })
	warehouse.DropAll()
	wantDropped(t, <-slow)
}

func TestServer_ExpiresPasswords(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	conn := connect(t, warehouse)
	const message = `password authentication failed for user "cache_ro"`
	warehouse.ExpirePassword(redshiftsim.User)
	_, err := pgx.Connect(t.Context(), warehouse.UserURL())
	wantError(t, err, "28000", message)
	if _, err := conn.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("the open session: %v", err)
	}
	warehouse.SetPassword(redshiftsim.User, "fresh")
	_, err = pgx.Connect(t.Context(), warehouse.UserURL())
	wantError(t, err, "28000", message)
	fresh, err := pgx.Connect(t.Context(), warehouse.URL("dev", redshiftsim.User, "fresh"))
	if err != nil {
		t.Fatal(err)
	}
	_ = fresh.Close(t.Context())
}

func TestServer_PausesResumesAndMoves(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	conn := connect(t, warehouse)
	url, port := warehouse.UserURL(), warehouse.Port()
	warehouse.Pause()
	_, err := conn.Exec(t.Context(), "SELECT 1")
	wantDropped(t, err)
	wantNobody(t, warehouse.Host(), port)
	if err := warehouse.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if warehouse.UserURL() != url {
		t.Errorf("resumed at %d, want %d", warehouse.Port(), port)
	}
	conn = connect(t, warehouse)
	if err := warehouse.Move(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), "SELECT 1")
	wantDropped(t, err)
	wantNobody(t, warehouse.Host(), port)
	if _, err := connect(t, warehouse).Exec(t.Context(), "SELECT 1"); err != nil || warehouse.Port() == port {
		t.Errorf("after the move to %d: %v", warehouse.Port(), err)
	}
}

// Not parallel: while it runs nothing else does, so that what it finds is its own.
func TestServer_CloseLeavesNothing(t *testing.T) {
	warehouse := redshiftsim.For(t)
	before := goleak.IgnoreCurrent()
	server, err := redshiftsim.Start(t.Context(), redshiftsim.Config{
		EngineURL: warehouse.EngineURL, Users: map[string]string{"cache_ro": "x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var running []<-chan error
	for _, sql := range []string{"SELECT 1", "SELECT count(*) FROM generate_series(1, 100000000000)", "SELECT * FROM generate_series(1, 100000)"} {
		conn, err := pgx.Connect(t.Context(), server.URL("dev", "cache_ro", "x"))
		if err != nil {
			t.Fatal(err)
		}
		running = append(running, start(t, conn, sql))
	}
	await(t, func() bool { return len(server.Statements()) == len(running) })
	server.Stall(true)
	stalled, err := net.Dial("tcp", net.JoinHostPort(server.Host(), strconv.Itoa(server.Port())))
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	for _, done := range running {
		<-done
	}
	_ = stalled.Close()
	goleak.VerifyNone(t, before)
}

func TestServer_LogsStatements(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	conn := connect(t, warehouse)
	for _, sql := range []string{"SELECT 1", "SET query_group TO 'redcache'", "SELECT 2", "SELECT nonsense"} {
		_, _ = conn.Exec(t.Context(), sql) // the last one fails, which is logged too
	}
	log := warehouse.Statements()
	for i, want := range []struct{ sql, group, err string }{
		{"SELECT 1", "unset", ""},
		{"SET query_group TO 'redcache'", "unset", ""},
		{"SELECT 2", "redcache", ""},
		{"SELECT nonsense", "redcache", `column "nonsense" does not exist`},
	} {
		got := log[i]
		if got.SQL != want.sql || got.QueryGroup != want.group || got.Err != want.err || got.User != redshiftsim.User ||
			got.Session != 1 || got.End.Before(got.Start) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// start runs a statement and hands over its error.
func start(t *testing.T, conn *pgx.Conn, sql string) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := conn.Exec(context.WithoutCancel(t.Context()), sql)
		done <- err
	}()
	return done
}

// await returns when the condition holds.
func await(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen in time")
		}
	}
}

func unfinished(w *redshiftsim.Warehouse) []redshiftsim.Statement {
	var running []redshiftsim.Statement
	for _, statement := range w.Statements() {
		if statement.End.IsZero() {
			running = append(running, statement)
		}
	}
	return running
}

func engineSessions(t *testing.T, w *redshiftsim.Warehouse) int {
	t.Helper()
	return engineCount(t, w, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'cache_ro'`)
}

// active counts the endless queries that the engine works on.
func active(t *testing.T, w *redshiftsim.Warehouse) int {
	t.Helper()
	return engineCount(t, w, `
		SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND usename = 'cache_ro' AND state = 'active' AND query LIKE '%generate_series%'`)
}

func sleeping(t *testing.T, w *redshiftsim.Warehouse) bool {
	t.Helper()
	return engineCount(t, w, `
		SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`) == 1
}

func engineCount(t *testing.T, w *redshiftsim.Warehouse, sql string) int {
	t.Helper()
	var n int
	if err := w.Engine.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// wantDropped checks for a connection that broke without an error from the server.
func wantDropped(t *testing.T, err error) {
	t.Helper()
	if e := (*pgconn.PgError)(nil); err == nil || errors.As(err, &e) {
		t.Errorf("got %v, want a broken connection", err)
	}
}

func wantNobody(t *testing.T, host string, port int) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(host, strconv.Itoa(port)), patience)
	if err == nil {
		_ = conn.Close()
		t.Errorf("somebody listens on port %d", port)
	}
}
