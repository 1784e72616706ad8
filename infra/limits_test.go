package infra_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

func TestLimits_HoldForTheTransactionOnly(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for _, tt := range []struct {
		name                  string
		limits                infra.Limits
		lock, statement, idle string
	}{
		{"defaults", infra.Limits{}, "10s", "15min", "1min"},
		{"chosen", infra.Limits{Lock: 1, Statement: time.Hour, Idle: 1500 * time.Millisecond}, "1ms", "1h", "1500ms"},
		{"none", infra.Limits{Lock: -1, Statement: -1, Idle: -1}, "0", "0", "0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := map[string]string{
				"lock_timeout": tt.lock, "statement_timeout": tt.statement,
				"idle_in_transaction_session_timeout": tt.idle, "client_connection_check_interval": "5s",
				"transaction_isolation": "read committed", "transaction_read_only": "off",
			}
			for _, p := range infra.Pins() {
				want[p.Name] = p.Value
			}
			conn := odd(t, db)
			dropUnknown(t, conn, want)
			before := show(t, conn, want)
			var inside map[string]string
			err := infra.InTx(t.Context(), conn, tt.limits, func(tx pgx.Tx) error {
				inside = show(t, tx, want)
				return nil
			})
			if err != nil {
				t.Fatalf("InTx: %v", err)
			}
			if diff := cmp.Diff(want, inside); diff != "" {
				t.Errorf("settings in the transaction (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, show(t, conn, want)); diff != "" {
				t.Errorf("settings of the session (-before +after):\n%s", diff)
			}
		})
	}
}

// odd connects to a database where every setting is unlike what a transaction of ours has.
func odd(t *testing.T, db *pgtest.Database) *pgx.Conn {
	t.Helper()
	conn := pgtest.Connect(t, db.URL)
	unlike := map[string]string{
		"lock_timeout": "77s", "statement_timeout": "78s", "idle_in_transaction_session_timeout": "79s",
		"client_connection_check_interval": "80s", "transaction_timeout": "81s",
		"standard_conforming_strings": "off", "search_path": "public", "client_encoding": "LATIN1",
		"DateStyle": "German", "TimeZone": "Asia/Tokyo", "IntervalStyle": "iso_8601", "extra_float_digits": "0",
		"timezone_abbreviations": "Australia", "bytea_output": "escape", "array_nulls": "off", "backslash_quote": "on",
		"transform_null_equals": "on", "quote_all_identifiers": "on", "row_security": "off",
		"restrict_nonsystem_relation_kind": "view", "exit_on_error": "on",
		"client_min_messages": "debug1", "default_transaction_isolation": "serializable",
		"default_transaction_read_only": "on", "default_transaction_deferrable": "on", "jit": "on",
		"enable_seqscan": "off", "enable_indexscan": "off", "enable_bitmapscan": "off", "enable_sort": "off", "enable_hashagg": "off",
		"enable_hashjoin": "off", "enable_mergejoin": "off", "enable_nestloop": "off", "vacuum_cost_delay": "77ms",
	}
	for _, p := range infra.Pins() {
		if _, found := unlike[p.Name]; !found {
			t.Errorf("%s is pinned, and this test does not know how it could be odd", p.Name)
		}
	}
	dropUnknown(t, conn, unlike)
	for name, value := range unlike {
		if _, err := conn.Exec(t.Context(), `SELECT pg_catalog.set_config($1, $2, false)`, name, value); err != nil {
			t.Fatalf("set %s: %v", name, err)
		}
	}
	return conn
}

// dropUnknown leaves only the settings that the server has.
func dropUnknown(t *testing.T, conn *pgx.Conn, settings map[string]string) {
	t.Helper()
	for name := range settings {
		var known bool
		err := conn.QueryRow(t.Context(), `SELECT pg_catalog.current_setting($1, true) IS NOT NULL`, name).Scan(&known)
		if err != nil {
			t.Fatalf("look for %s: %v", name, err)
		}
		if !known {
			delete(settings, name)
		}
	}
}

// before14 tells the servers that cannot look after their client while a statement runs.
func before14(conn *pgx.Conn) bool {
	return strings.HasPrefix(conn.PgConn().ParameterStatus("server_version"), "13.")
}

func show(t *testing.T, q interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, names map[string]string,
) map[string]string {
	t.Helper()
	got := make(map[string]string, len(names))
	for name := range names {
		var value string
		if err := q.QueryRow(t.Context(), `SELECT pg_catalog.current_setting($1)`, name).Scan(&value); err != nil {
			t.Fatalf("show %s: %v", name, err)
		}
		got[name] = value
	}
	return got
}

func TestLimits_End(t *testing.T) {
	t.Parallel()
	db, pool := setupNote(t)
	blocker, err := db.Pool(t).Begin(t.Context())
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	defer func() { _ = blocker.Rollback(context.Background()) }()
	if _, err := blocker.Exec(t.Context(), `LOCK TABLE public.note`); err != nil {
		t.Fatalf("lock: %v", err)
	}

	err = infra.InTx(t.Context(), pool, infra.Limits{Lock: 50 * time.Millisecond}, func(tx pgx.Tx) error {
		return addNote(t.Context(), tx)
	})
	wantState(t, err, "55P03") // lock_not_available
	err = infra.InTx(t.Context(), pool, infra.Limits{Statement: 50 * time.Millisecond}, func(tx pgx.Tx) error {
		return addNote(t.Context(), tx)
	})
	wantState(t, err, "57014") // query_canceled
	err = infra.InTx(t.Context(), pool, infra.Limits{Idle: time.Millisecond}, func(tx pgx.Tx) error {
		pid := tx.Conn().PgConn().PID()
		awaitTrue(t, pool, `SELECT count(*) = 0 FROM pg_catalog.pg_stat_activity WHERE pid = $1`, pid)
		_, err := tx.Exec(t.Context(), `SELECT 1`)
		return err
	})
	wantState(t, err, "25P03") // idle_in_transaction_session_timeout
}

// What is left of a killed process is a closed socket. The statement must not go on for nobody, in particular as it
// holds locks.
func TestLimits_EndAStatementWhoseClientIsGone(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for _, tt := range []struct {
		statement string
		args      []any
	}{
		{`SELECT pg_catalog.pg_sleep(3600)`, nil},
		{`SELECT FROM public.dblink($1, 'SELECT pg_sleep(3600)::text') AS t (a text)`, []any{remote(db)}},
	} {
		t.Run(tt.statement, func(t *testing.T) {
			t.Parallel()
			endsWithItsClient(t, db, tt.statement, tt.args...)
		})
	}
}

func endsWithItsClient(t *testing.T, db *pgtest.Database, statement string, args ...any) {
	t.Helper()
	watcher := db.Pool(t)
	config, err := pgx.ParseConfig(db.URL)
	if err != nil {
		t.Fatal("parse database URL")
	}
	dial, dialled := config.DialFunc, false
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if dialled {
			return nil, errors.New("the dead send no cancel request")
		}
		dialled = true
		return dial(ctx, network, address)
	}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	if before14(conn) {
		return // nothing of the kind there: the statement limit has to do
	}
	pid, socket := conn.PgConn().PID(), conn.PgConn().Conn()
	result := make(chan error, 1)
	go func() {
		result <- infra.InTx(t.Context(), conn, infra.Limits{Statement: -1}, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), statement, args...)
			return err
		})
	}()
	awaitTrue(t, watcher, `SELECT coalesce(wait_event IN ('PgSleep', 'Extension', 'DblinkGetResult'), false) FROM pg_catalog.pg_stat_activity WHERE pid = $1`, pid)

	if err := socket.Close(); err != nil {
		t.Fatalf("cut: %v", err)
	}

	if err := <-result; err == nil {
		t.Error("an hour passed on a cut connection")
	}
	awaitTrue(t, watcher, `SELECT count(*) = 0 FROM pg_catalog.pg_stat_activity WHERE pid = $1`, pid)
}

func TestLimits_UnqualifiedNamesFail(t *testing.T) {
	t.Parallel()
	_, pool := setupNote(t)
	err := infra.InTx(t.Context(), pool, infra.Limits{}, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `SELECT FROM note`)
		return err
	})
	wantState(t, err, "42P01") // undefined_table
}

// queries counts the messages that carry statements.
type queries struct{ started atomic.Int64 }

func (q *queries) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	q.started.Add(1)
	return ctx
}

func (q *queries) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestLimits_CostNoRoundTrip(t *testing.T) {
	t.Parallel()
	config, err := pgx.ParseConfig(pgtest.New(t).URL)
	if err != nil {
		t.Fatal("parse database URL")
	}
	count := &queries{}
	config.Tracer = count
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if err := infra.InTx(t.Context(), conn, infra.Limits{}, func(pgx.Tx) error { return nil }); err != nil {
		t.Fatalf("InTx: %v", err)
	}
	if got := count.started.Load(); got != 2 {
		t.Errorf("an empty transaction took %d messages, want 2: begin with its rules, and commit", got)
	}
}
