package catalog_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
)

// prepare stores what a set is to make of a view, in a transaction that is left open until its end is asked for.
func prepare(t *testing.T, b interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}, v catalog.View,
) (pid int, commit func()) {
	t.Helper()
	tx, err := b.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) })
	set, err := catalog.In(tx).BeginSet(t.Context(), catalog.NewSet{})
	if err == nil {
		_, err = catalog.In(tx).Prepare(t.Context(), set, v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return int(tx.Conn().PgConn().PID()), func() {
		t.Helper()
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// A link that a view is to be read through stays, whether what is built for that has its rows already or not.
func TestStore_RemoveLinkKeepsOneThatViewsAreBuiltFor(t *testing.T) {
	t.Parallel()
	store, pool, link := newCatalog(t)
	other := link
	other.Name = "other"
	other, err := store.AddLink(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	v := added(t, store, link)
	v.Link, v.Generation = other, 2
	_, commit := prepare(t, pool, v)
	commit()
	for _, state := range []string{"building", "filled"} {
		if _, err := pool.Exec(t.Context(), `UPDATE redcache.generation SET state = $1 WHERE number = 2`, state); err != nil {
			t.Fatal(err)
		}
		err := store.RemoveLink(t.Context(), other)
		used, ok := errors.AsType[*catalog.InUseError](err)
		if !ok || len(used.Views) != 0 || len(used.Building) != 1 || used.Building[0].Deed() != "changes "+v.Name.String() {
			t.Errorf("%s: got %v", state, err)
		}
	}
}

// Whoever is storing a view of a link that is removed meanwhile is waited for, and its link is kept.
func TestStore_RemoveLinkWaitsForWhoIsStoringAView(t *testing.T) {
	t.Parallel()
	store, pool, link := newCatalog(t)
	v := sales()
	v.Link, v.Generation = link, 1
	pid, commit := prepare(t, pool, v)
	removed := make(chan error, 1)
	go func() {
		removed <- pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return catalog.In(tx).RemoveLink(t.Context(), link) })
	}()
	for waits := false; !waits; {
		const ask = `SELECT EXISTS (SELECT FROM pg_stat_activity a, pg_sleep(0.01) WHERE $1 = ANY (pg_blocking_pids(a.pid)))`
		if err := pool.QueryRow(t.Context(), ask, pid).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	commit()
	if err := <-removed; !errors.As(err, new(*catalog.InUseError)) {
		t.Errorf("got %v", err)
	}
	if _, err := store.Link(t.Context(), link.Name); err != nil {
		t.Error(err)
	}
}
