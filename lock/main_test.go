package lock_test

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/lock"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// patience is how long a test waits for something that must happen. Only a failing test waits that long.
const patience = time.Minute

// bundle is a database with the two catalog tables that keys come from.
type bundle struct {
	db   *pgtest.Database
	pool *pgxpool.Pool
}

func setup(t *testing.T) *bundle {
	t.Helper()
	db := pgtest.New(t)
	b := &bundle{db: db, pool: openNamed(t, db.URL, "watcher")}
	for _, statement := range []string{
		`CREATE SCHEMA redcache`,
		`CREATE TABLE redcache.view (id integer PRIMARY KEY)`,
		`CREATE TABLE redcache.link (id integer PRIMARY KEY)`,
		`CREATE TABLE redcache.link_state (link_id integer PRIMARY KEY)`,
		`CREATE TABLE redcache.set (id integer PRIMARY KEY)`,
		`CREATE TABLE redcache.generation (view_id integer PRIMARY KEY)`,
	} {
		if _, err := b.pool.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return b
}

func openNamed(t *testing.T, databaseURL, application string) *pgxpool.Pool {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal("parse database URL")
	}
	query := u.Query()
	query.Set("application_name", application)
	query.Set("pool_max_conns", "40")
	u.RawQuery = query.Encode()
	return pgtest.OpenPool(t, u.String())
}

// begin opens a transaction on a connection of its own, rolled back when the test ends.
func (b *bundle) begin(t *testing.T, application string) pgx.Tx {
	t.Helper()
	return begin(t, b.db.URL, application)
}

func begin(t *testing.T, databaseURL, application string) pgx.Tx {
	t.Helper()
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal("parse database URL")
	}
	config.RuntimeParams["application_name"] = application
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // some tests cut it before
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	return tx
}

func lockView(t *testing.T, tx pgx.Tx, id int32) {
	t.Helper()
	if err := lock.View(t.Context(), tx, id, 0); err != nil {
		t.Fatalf("View(%d): %v", id, err)
	}
}

func lockSlot(t *testing.T, tx pgx.Tx, id int32, n int) int {
	t.Helper()
	slot, err := lock.Slot(t.Context(), tx, id, n, 0)
	if err != nil {
		t.Fatalf("Slot(%d, %d): %v", id, n, err)
	}
	return slot
}

func rollback(t *testing.T, tx pgx.Tx) {
	t.Helper()
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatalf("rollback: %v", err)
	}
}

func wantHeld(t *testing.T, err error) *lock.HeldError {
	t.Helper()
	held, ok := errors.AsType[*lock.HeldError](err)
	if !ok {
		t.Fatalf("got %v, want a HeldError", err)
	}
	return held
}

// awaitLocks polls the list until it is as wanted, which a correct package brings about without anything else done.
func (b *bundle) awaitLocks(t *testing.T, what string, wanted func([]lock.Held) bool) []lock.Held {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var locks []lock.Held
	for ctx.Err() == nil {
		var err error
		if locks, err = lock.List(ctx, b.pool); err != nil {
			break
		}
		if wanted(locks) {
			return locks
		}
	}
	t.Fatalf("locks never showed %s, last seen %+v", what, locks)
	return nil
}

// awaitTrue polls a query that returns one boolean.
func (b *bundle) awaitTrue(t *testing.T, sql string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var isTrue bool
	for !isTrue {
		if err := b.pool.QueryRow(ctx, sql, args...).Scan(&isTrue); err != nil {
			t.Fatalf("await %s: %v", sql, err)
		}
	}
}

func none(locks []lock.Held) bool { return len(locks) == 0 }

func waiting(locks []lock.Held) bool {
	for _, l := range locks {
		if l.Waiting {
			return true
		}
	}
	return false
}

func pidOf(tx pgx.Tx) int { return int(tx.Conn().PgConn().PID()) }
