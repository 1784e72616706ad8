package dblink_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// bundle is a cache database and a warehouse, with a link between them.
type bundle struct {
	cache     *pgxpool.Pool
	warehouse *redshiftsim.Warehouse
	server    dblink.Server
}

// setup makes a link named dw.
func setup(t testing.TB) *bundle { return setupNamed(t, "dw") }

func setupNamed(t testing.TB, name string) *bundle {
	t.Helper()
	b := unlinked(t, name)
	b.inTx(t, func(tx pgx.Tx) {
		if err := dblink.Create(t.Context(), tx, b.server, redshiftsim.Password); err != nil {
			t.Fatal(err)
		}
	})
	return b
}

// unlinked makes both sides and no link.
func unlinked(t testing.TB, name string) *bundle {
	t.Helper()
	w := redshiftsim.For(t)
	return &bundle{
		cache: pgtest.New(t).Pool(t), warehouse: w,
		server: dblink.Server{Name: name, Host: w.Host(), Port: w.Port(), Database: w.Name, User: redshiftsim.User},
	}
}

// inTx runs fn in a transaction of the cache database and commits it.
func (b *bundle) inTx(t testing.TB, fn func(tx pgx.Tx)) {
	t.Helper()
	tx, err := b.cache.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	fn(tx)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// inSession runs fn with an open session, and closes it.
func (b *bundle) inSession(t testing.TB, fn func(tx pgx.Tx, s *dblink.Session)) {
	t.Helper()
	b.inTx(t, func(tx pgx.Tx) {
		s := mustOpen(t, tx, b.server.Name)
		fn(tx, s)
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func mustOpen(t testing.TB, tx pgx.Tx, server string) *dblink.Session {
	t.Helper()
	s, err := dblink.Open(t.Context(), tx, server, dblink.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// inSavepoint runs fn in a nested transaction that is rolled back, so that fn may fail.
func inSavepoint(t testing.TB, tx pgx.Tx, fn func(tx pgx.Tx)) {
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

func mustExec(t testing.TB, q dblink.Querier, sql string, args ...any) {
	t.Helper()
	if _, err := q.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func mustText(t testing.TB, q dblink.Querier, sql string, args ...any) string {
	t.Helper()
	var text string
	if err := q.QueryRow(t.Context(), sql, args...).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}

func mustContain(t testing.TB, text, fragment string) {
	t.Helper()
	if !strings.Contains(text, fragment) {
		t.Errorf("got %q, want it to contain %q", text, fragment)
	}
}
