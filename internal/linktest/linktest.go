// Package linktest gives tests a cache database and a warehouse with a link between them.
package linktest

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/sql"
)

// Texts are texts that have broken quoting somewhere.
var Texts = []string{
	"", "plain", `'`, `''`, `\`, `\'`, `\\'`, `'\`, `a\`, `'; DROP TABLE x; --`, `\'; DROP TABLE x; --`, `"`, `""`, `E'x'`,
	"line\nbreak", "\r", "$$", "$a$", "%s", `Weird Name; drop table x`, "größe 🚀", "\u2028", "select", "/*", "--", "NULL",
}

// Bundle is a cache database and a warehouse, with a link between them.
type Bundle struct {
	Cache     *pgxpool.Pool
	Warehouse *redshiftsim.Warehouse
	Server    redshift.Server
}

// New makes a link named dw.
func New(t testing.TB) *Bundle { return Named(t, "dw") }

// Named makes a link of that name.
func Named(t testing.TB, name string) *Bundle {
	t.Helper()
	b := Unlinked(t, name)
	b.InTx(t, func(tx pgx.Tx) {
		if err := dblink.Create(t.Context(), tx, b.Server, redshiftsim.Password); err != nil {
			t.Fatal(err)
		}
	})
	return b
}

// Unlinked makes both sides and no link.
func Unlinked(t testing.TB, name string) *Bundle {
	t.Helper()
	w := redshiftsim.For(t)
	return &Bundle{
		Cache: pgtest.New(t).Pool(t), Warehouse: w,
		Server: redshift.Server{Name: name, Host: w.Host(), Port: w.Port(), Database: w.Name, User: redshiftsim.User},
	}
}

// InTx runs fn in a transaction of the cache database and commits it.
func (b *Bundle) InTx(t testing.TB, fn func(tx pgx.Tx)) {
	t.Helper()
	tx, err := b.Cache.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	fn(tx)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// InSession runs fn with an open session, and closes it.
func (b *Bundle) InSession(t testing.TB, fn func(tx pgx.Tx, s *dblink.Session)) {
	t.Helper()
	b.InTx(t, func(tx pgx.Tx) {
		s := Open(t, tx, b.Server.Name)
		fn(tx, s)
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// Open opens a session through a server; the transaction ends it.
func Open(t testing.TB, tx pgx.Tx, server string) *dblink.Session {
	t.Helper()
	s, err := dblink.Open(t.Context(), tx, server, redshift.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// InSavepoint runs fn in a nested transaction that is rolled back, so that fn may fail.
func InSavepoint(t testing.TB, tx pgx.Tx, fn func(tx pgx.Tx)) {
	t.Helper()
	nested, err := tx.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fn(nested)
	if err := nested.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Exec runs a statement that must succeed.
func Exec(t testing.TB, q dblink.Querier, sql string, args ...any) {
	t.Helper()
	if _, err := q.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// Text returns the one text that a query must return.
func Text(t testing.TB, q dblink.Querier, sql string, args ...any) string {
	t.Helper()
	var text string
	if err := q.QueryRow(t.Context(), sql, args...).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}

// Contains holds a text against a fragment of it.
func Contains(t testing.TB, text, fragment string) {
	t.Helper()
	if !strings.Contains(text, fragment) {
		t.Errorf("got %q, want it to contain %q", text, fragment)
	}
}

// Connect opens a connection to the cache database.
func (b *Bundle) Connect(t testing.TB) *pgx.Conn {
	t.Helper()
	return Connect(t, b.Cache.Config().ConnString())
}

// ConnectRemote opens a connection to the warehouse as the link's login.
func (b *Bundle) ConnectRemote(t testing.TB) *pgx.Conn {
	t.Helper()
	return Connect(t, b.Warehouse.UserURL())
}

// Connect opens a connection that ends with the test.
func Connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// Select builds the local statement that reads a query, each value cast to text.
func Select(t testing.TB, s *dblink.Session, columns []redshift.Column, query string) string {
	t.Helper()
	remote, err := redshift.Select(columns, query, "", redshift.StripNUL)
	if err != nil {
		t.Fatal(err)
	}
	return "SELECT " + sql.Ident(columns[0].Name) + "::text FROM (" +
		dblink.Select(s.Schema(), s.Server(), columns, remote) + ") AS local"
}
