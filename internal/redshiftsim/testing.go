package redshiftsim

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/internal/pgtest"
)

// User and Password are the login of a [Warehouse].
const (
	User     = "cache_ro"
	Password = `p\a'ss w"ord$%`
)

// Engine is a database that [Prepare] was run on.
var Engine = pgtest.Base{
	Name: "redshift_engine",
	Fill: func(ctx context.Context, c *pgtest.Cluster, database string) error {
		return Prepare(ctx, c.AdminURL(database))
	},
}

// Warehouse is a stand-in of a test's own, with an engine database on the package's shared server.
type Warehouse struct {
	*Server
	Engine    *pgxpool.Pool // superuser; changes the source behind the stand-in's back
	EngineURL string
	Name      string // of the engine's database
}

// For starts a stand-in on a fresh engine database and closes it when the test ends.
func For(t testing.TB) *Warehouse {
	t.Helper()
	db := pgtest.NewFrom(t, Engine)
	engineURL := db.AdminURL(db.Name)
	return &Warehouse{
		Server:    StartFor(t, Config{EngineURL: engineURL, Users: map[string]string{User: Password}}),
		Engine:    db.AdminPool(t),
		EngineURL: engineURL,
		Name:      db.Name,
	}
}

// UserURL is the connection URL of [User].
func (w *Warehouse) UserURL() string { return w.URL(w.Name, User, Password) }

// TrackChanges gives tables of the engine, named with their schema, a last_modified_time that INSERT, UPDATE, DELETE and
// TRUNCATE move, even when they change no row, and a last_altered_time that ALTER TABLE moves. Both start a day ago.
func (w *Warehouse) TrackChanges(t testing.TB, tables ...string) {
	t.Helper()
	for _, table := range tables {
		if _, err := w.Engine.Exec(t.Context(), "SELECT redshift.track($1::regclass)", table); err != nil {
			t.Fatalf("track changes of %s: %v", table, err)
		}
	}
}

// Literals says what becomes of bare literals.
func (w *Warehouse) Literals(t testing.TB, bare Bare) {
	t.Helper()
	as := map[Bare]string{BareVarcharInTables: "varchar"}[bare]
	if _, err := w.Engine.Exec(t.Context(), "DELETE FROM redshift.typing WHERE bare_as IS NOT NULL"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Engine.Exec(t.Context(), "INSERT INTO redshift.typing (bare_as) VALUES ($1)", as); err != nil {
		t.Fatal(err)
	}
	w.setBare(bare)
}

// Mistype lets CREATE TABLE AS give each column of a name another type than the query has, as clusters are seen to do
// with computed columns.
func (w *Warehouse) Mistype(t testing.TB, column, typ string) {
	t.Helper()
	if _, err := w.Engine.Exec(t.Context(), "INSERT INTO redshift.typing (column_name, type) VALUES ($1, $2)", column, typ); err != nil {
		t.Fatal(err)
	}
}

// StartFor starts a stand-in and closes it when the test ends.
func StartFor(t testing.TB, cfg Config) *Server {
	t.Helper()
	server, err := Start(context.WithoutCancel(t.Context()), cfg)
	if err != nil {
		t.Fatalf("start stand-in: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close stand-in: %v", err)
		}
	})
	return server
}
