package infra_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

// A role's search_path may have somebody else's schema before the system's own.
const planted = `
	CREATE SCHEMA evil;
	CREATE FUNCTION evil.never(integer, integer) RETURNS boolean LANGUAGE sql AS 'SELECT false';
	CREATE OPERATOR evil.= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = evil.never);
	CREATE FUNCTION evil.upper(text) RETURNS text LANGUAGE sql AS 'SELECT ''evil''::text';
	CREATE FUNCTION evil.fail(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''evil ran''; END';
	CREATE OPERATOR evil.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.fail);
	CREATE OPERATOR evil.~~ (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.fail);
	CREATE VIEW evil.pg_class AS SELECT 'evil'::name AS relname WHERE false;
	ALTER ROLE CURRENT_USER IN DATABASE "%s" SET search_path = evil, pg_catalog`

func TestPinned_SaysWhatItSaysWhateverTheRoleHas(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	if err := asOwner(t, db, planted); err != nil {
		t.Fatal(err)
	}
	pool := openPool(t, db.URL)
	pinned := infra.Pinned(pool)
	const same = `SELECT $1::integer = 1, upper('a'), (SELECT count(*) > 1 FROM pg_class)`
	want := func(how string, equal, more bool, upper string, err error) {
		t.Helper()
		if err != nil || !equal || !more || upper != "A" {
			t.Errorf("%s: %v %v %s, %v", how, equal, more, upper, err)
		}
	}
	var equal, more bool
	var upper string
	err := pinned.QueryRow(t.Context(), same, 1).Scan(&equal, &upper, &more)
	want("a row", equal, more, upper, err)
	rows, err := pinned.Query(t.Context(), same, 1)
	if err != nil {
		t.Fatal(err)
	}
	equal, more, upper = false, false, ""
	tag, err := pgx.ForEachRow(rows, []any{&equal, &upper, &more}, func() error { return nil })
	want("rows", equal, more, upper, err)
	if tag.RowsAffected() != 1 {
		t.Errorf("%d rows, want 1", tag.RowsAffected())
	}
	changed, err := pinned.Exec(t.Context(), `CREATE TABLE public.kept AS SELECT WHERE 1 = $1::integer`, 1)
	if err != nil || changed.RowsAffected() != 1 {
		t.Errorf("a command: %s, %v", changed, err)
	}
	if n := pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections are still taken", n)
	}
}

// asOwner runs statements as the ordinary role; %s in them is the database.
func asOwner(t *testing.T, db *pgtest.Database, statements string) error {
	t.Helper()
	conn := pgtest.Connect(t, db.URL)
	var text string
	err := conn.QueryRow(t.Context(), `SELECT replace($1, '%s', current_database())`, statements).Scan(&text)
	if err == nil {
		_, err = conn.Exec(t.Context(), text)
	}
	return err
}

func TestPinned_GivesItsConnectionBack(t *testing.T) {
	t.Parallel()
	_, pool := setupNote(t)
	pinned := infra.Pinned(pool)
	rows, err := pinned.Query(t.Context(), `SELECT i FROM generate_series(1, 100000) i`)
	if err != nil {
		t.Fatal(err)
	}
	rows.Next()
	rows.Close() // early
	if err := rows.Err(); err != nil {
		t.Errorf("closed early: %v", err)
	}
	rows, err = pinned.Query(t.Context(), `SELECT 1 / (3 - i) FROM generate_series(1, 3) i`)
	if err == nil {
		_, err = pgx.CollectRows(rows, pgx.RowTo[int])
	}
	wantState(t, err, "22012") // division_by_zero
	if err := pinned.QueryRow(t.Context(), `SELECT 1 WHERE false`).Scan(new(int)); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("no row: %v", err)
	}
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if _, err := pinned.Exec(ended, `SELECT 1`); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
	if n := pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections are still taken", n)
	}
	err = infra.InTx(t.Context(), pool, infra.Limits{}, func(tx pgx.Tx) error {
		if _, err := infra.Pinned(tx).Exec(t.Context(), `INSERT INTO public.note VALUES (1)`); err != nil {
			return err
		}
		return errors.New("no")
	})
	if err == nil {
		t.Error("no error")
	}
	wantNotes(t, pool, 0) // of a transaction, statements are part of it
}

// The server may end a session while it is idle, at the very moment when it is needed.
func TestInTx_TakesAnotherSessionForOneThatIdled(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	watcher := db.Pool(t)
	pool, err := infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: db.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if before14(conn.Conn()) {
		conn.Release()
		return // there is no such limit
	}
	pid := conn.Conn().PgConn().PID()
	if _, err := conn.Exec(t.Context(), `SET idle_session_timeout = '1ms'`); err != nil {
		t.Fatal(err)
	}
	awaitTrue(t, watcher, `SELECT count(*) = 0 FROM pg_catalog.pg_stat_activity WHERE pid = $1`, pid)
	conn.Release()
	if err := infra.InTx(t.Context(), pool, infra.Limits{}, func(pgx.Tx) error { return nil }); err != nil {
		t.Errorf("InTx: %v", err)
	}
}

// With transaction_timeout, which came with 17, a role could end a refresh in its middle.
func TestInTx_OutlivesTheRolesTransactionTimeout(t *testing.T) {
	t.Parallel()
	pool := openPool(t, pgtest.New(t).URL)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	var known bool
	err = conn.QueryRow(t.Context(), `SELECT current_setting('transaction_timeout', true) IS NOT NULL`).Scan(&known)
	if err != nil || !known {
		return
	}
	if _, err := conn.Exec(t.Context(), `SET transaction_timeout = '50ms'`); err != nil {
		t.Fatal(err)
	}
	err = infra.InTx(t.Context(), conn, infra.Limits{}, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `SELECT pg_sleep($1)`, (200 * time.Millisecond).Seconds())
		return err
	})
	if err != nil {
		t.Errorf("InTx: %v", err)
	}
}
