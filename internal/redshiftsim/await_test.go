package redshiftsim_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/internal/redshiftsim"
)

// patience bounds what must happen soon; it is only reached by a failing test.
const patience = 20 * time.Second

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

// await returns when the condition holds. It is about what servers do, who tell nobody: they have to be asked again.
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
