package infra_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

// On a hot standby, where no transaction that may write can begin, looking on goes on: pinned, and consistent where that
// was asked for. What would write is told that this is a standby, and where to go.
func TestInTx_LooksOnAtAStandby(t *testing.T) {
	t.Parallel()
	primary := pgtest.StartFor(t, pgtest.Config{Settings: map[string]string{"synchronous_commit": "on", "wal_receiver_status_interval": "1s"}})
	name, err := primary.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := openPool(t, primary.OwnerURL(name))
	for _, statement := range []string{
		`CREATE TABLE public.note (id integer)`, `INSERT INTO public.note VALUES (1)`,
		`ALTER ROLE CURRENT_USER IN DATABASE ` + name + ` SET datestyle = 'German'`,
	} {
		if _, err := first.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	standby := pgtest.StandbyFor(t, primary, "looks")
	pool := openPool(t, standby.OwnerURL(name))
	awaitTrue(t, openPool(t, standby.AdminURL(name)), `SELECT to_regclass('public.note') IS NOT NULL`)
	const look = `SELECT '01/02/2024'::date::text, (SELECT count(*) FROM public.note)`
	looks := func(how string, db infra.DB) {
		t.Helper()
		var day string
		var notes int
		if err := db.QueryRow(t.Context(), look).Scan(&day, &notes); err != nil || day != "2024-01-02" || notes != 1 {
			t.Errorf("%s: %s, %d, %v", how, day, notes, err)
		}
	}
	looks("a statement", infra.Pinned(pool))
	inside := func(how string) func(tx pgx.Tx) error {
		return func(tx pgx.Tx) error { looks(how, tx); return nil }
	}
	if err := infra.InTx(t.Context(), pool, infra.Limits{}, inside("a transaction")); err != nil {
		t.Error(err)
	}
	if err := infra.InSnapshot(t.Context(), pool, infra.Limits{}, inside("a snapshot")); err != nil {
		t.Error(err)
	}
	if all, err := infra.Pinned(pool).Query(t.Context(), look); err != nil {
		t.Error(err)
	} else if _, err := pgx.CollectRows(all, pgx.RowToMap); err != nil {
		t.Error(err)
	}
	nested := infra.InTx(t.Context(), pool, infra.Limits{}, func(pgx.Tx) error { // as a refresh writes that it runs
		_, err := infra.Pinned(pool).Exec(t.Context(), `INSERT INTO public.note VALUES (2)`)
		return err
	})
	if said := infra.Message(nested); strings.Count(said, infra.ErrReadOnly.Error()) != 1 {
		t.Errorf("a transaction within one says %q, want what it is once", said)
	}
	if _, err := infra.Pinned(pool).Exec(t.Context(), `INSERT INTO public.note VALUES (2)`); !errors.Is(err, infra.ErrReadOnly) || infra.Hint(err) == "" {
		t.Errorf("writing: %v, hint %q", err, infra.Hint(err))
	}
	limit := infra.Limits{Statement: 50 * time.Millisecond}
	err = infra.InTx(t.Context(), pool, limit, func(tx pgx.Tx) error {
		_, err := tx.Exec(context.WithoutCancel(t.Context()), `SELECT pg_sleep(60)`)
		return err
	})
	wantState(t, err, "57014") // query_canceled: limits hold, too
}
