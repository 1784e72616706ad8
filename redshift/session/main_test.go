package session_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/redshift/session"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// patience bounds what must happen soon; only a failing test waits that long.
const patience = 20 * time.Second

// config reaches a stand-in.
func config(t testing.TB, w *redshiftsim.Warehouse) session.Config {
	t.Helper()
	return session.Config{
		Host: w.Host(), Port: w.Port(), Database: w.Name, User: redshiftsim.User, Password: redshiftsim.Password,
		Prepare: prepare(t, "redcache"),
	}
}

// prepare is what package redshift sends to every session. A plain PostgreSQL knows no query groups.
func prepare(t testing.TB, queryGroup string) string {
	t.Helper()
	sql, err := redshift.Settings{QueryGroup: queryGroup}.SQL()
	if err != nil {
		t.Fatal(err)
	}
	return sql
}

// column is a column of a type of the table.
func column(name, remote string) redshift.Column {
	typ, err := redshift.Map(remote)
	if err != nil {
		panic(err)
	}
	return redshift.Column{Name: name, RemoteType: remote, Type: typ}
}

// cachedAs is a column of a type that is cached as the given one.
func cachedAs(local string) redshift.Column {
	if local == "bytea" || local == "jsonb" {
		return column("v", map[string]string{"bytea": "varbyte", "jsonb": "super"}[local])
	}
	return column("v", local)
}

// mustOpen opens a session and closes it when the test ends.
func mustOpen(t testing.TB, c session.Config) *session.Session {
	t.Helper()
	s, err := session.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) }) // may have been closed by the test
	return s
}

// mustRead starts a query.
func mustRead(t testing.TB, s *session.Session, sql string, columns ...redshift.Column) *session.Reader {
	t.Helper()
	r, err := s.Read(t.Context(), sql, columns, session.StripNUL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// load copies a reader's rows into a fresh table, frozen, and returns the error of the COPY.
func load(t testing.TB, pool *pgxpool.Pool, table, definition string, r io.Reader) (int64, error) {
	t.Helper()
	var tag pgconn.CommandTag
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "CREATE TABLE "+table+" ("+definition+")"); err != nil {
			return err
		}
		var err error
		tag, err = tx.Conn().PgConn().CopyFrom(t.Context(), r, "COPY "+table+" FROM STDIN (FORMAT binary, FREEZE)")
		return err
	})
	return tag.RowsAffected(), err
}

func mustExec(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func mustText(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) string {
	t.Helper()
	var text string
	if err := pool.QueryRow(t.Context(), sql, args...).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}

// await returns when the condition holds. It is about what servers do, who tell nobody: they have to be asked again.
func await(t testing.TB, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen in time")
		}
	}
}

func sqlstate(err error) string {
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		return server.Code
	}
	return ""
}
