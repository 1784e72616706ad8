package refresh_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

// What a session has prepared on a view goes on with the rows of another definition that has the same columns; a cursor that it
// keeps goes on with those that it began with.
func TestAlter_WhatASessionHasPreparedGoesOn(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Swap, catalog.StreamTransport)
	conn, err := b.readers.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	count := func(query string) (n int) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil { // which pgx prepares as well
			t.Errorf("%s: %v", query, err)
		}
		return n
	}
	for _, statement := range []string{
		`PREPARE p AS SELECT count(*) FROM bi.item`, `BEGIN`, `DECLARE c CURSOR WITH HOLD FOR SELECT id FROM bi.item ORDER BY id`, `COMMIT`,
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	const ours = `SELECT count(*) FROM bi.item`
	all, first := count(ours), count(`FETCH c`)
	if got := count(`EXECUTE p`); got != all || all < 2 {
		t.Fatalf("%d rows, %d", got, all)
	}
	if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Query += " WHERE id = (SELECT min(id) FROM public.item)" }); err != nil {
		t.Fatal(err)
	}
	if p, q, next := count(`EXECUTE p`), count(ours), count(`FETCH c`); p != 1 || q != 1 || next <= first {
		t.Errorf("the prepared statement sees %d rows, the query %d, and the cursor has id %d after %d", p, q, next, first)
	}
}

// A view is moved to another link as to another query: beside what readers see, and not at all when that fails. How often it has
// failed, and when it is due, stays as well then.
func TestAlter_MovesAViewToAnotherLink(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Merge, catalog.DblinkTransport)
	other := b.link
	other.Name = "other"
	other, err := access.CreateLink(t.Context(), b.pool, other, access.Login{Password: redshiftsim.Password})
	if err != nil {
		t.Fatal(err)
	}
	b.do(t, `UPDATE redcache.state SET failures = 3, next_due = now() + interval '7 minutes'`)
	before := rows(t, b.pool, `SELECT s, v, g FROM redcache.state s, redcache.view v, redcache.generation g`)
	b.source.FailNext(`AS "id"`, redshiftsim.RuleAbort("no"))
	move := func(v *catalog.View) { v.LinkName = "other" }
	if err := <-b.alter(t.Context(), v.Name, move); err == nil {
		t.Error("it did not fail")
	}
	if after := rows(t, b.pool, `SELECT s, v, g FROM redcache.state s, redcache.view v, redcache.generation g`); !slices.Equal(before, after) {
		t.Errorf("it has become\n%v, it was\n%v", after, before)
	}
	if err := <-b.alter(t.Context(), v.Name, move); err != nil {
		t.Fatal(err)
	}
	now, state := b.stateOf(t, v)
	if now.Link.ID != other.ID || now.LinkName != "other" || *state.Generation != 2 {
		t.Errorf("it reads through %s, readers see %d", now.LinkName, *state.Generation)
	}
	if err := access.RemoveLink(t.Context(), b.pool, other); !errors.As(err, new(*catalog.InUseError)) {
		t.Errorf("its link: %v", err)
	}
	if err := access.RemoveLink(t.Context(), b.pool, b.link); err != nil {
		t.Errorf("the link that it had: %v", err)
	}
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, v)
}
