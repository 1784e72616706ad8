package redshiftsim_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

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
	for _, size := range []int{10, 200_000} { // the engine is done before it can be cancelled, or it is not
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
