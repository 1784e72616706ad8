package main

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// onceRefreshed is an operator with a view that was refreshed once.
func onceRefreshed(t *testing.T) (o *operator, cache *pgtest.Database) {
	t.Helper()
	cache = pgtest.New(t)
	o = newOperator(t, cache.URL)
	o.must(t, "init")
	o.must(t, o.link(redshiftsim.User)...)
	o.must(t, "add-view", "bi.one", "--link", "dw", "--query", "select 1 as a", "--key", "a")
	return o, cache
}

type shownView struct {
	AsOf    *time.Time `json:"as_of"`
	LastRun *struct {
		ID   int64      `json:"id"`
		AsOf *time.Time `json:"as_of"`
	} `json:"last_run"`
	Running *struct{ ID int64 } `json:"running"`
	HeldBy  *string             `json:"held_by"`
}

// What is shown together belongs together: a view has the as-of of the run that stands beside it, however busy a worker
// is, and however short its memory.
func TestRun_ShowsOneMoment(t *testing.T) {
	t.Parallel()
	o, cache := onceRefreshed(t)
	conn := pgtest.Connect(t, cache.URL)
	ctx, stop := context.WithCancel(t.Context())
	worked := make(chan int)
	go func() {
		n := 0
		for ctx.Err() == nil {
			// One commit of a worker that keeps one run.
			_, err := conn.Exec(t.Context(), `
				WITH run AS (
				    INSERT INTO redcache.run (view_id, generation, strategy, origin, state, as_of, finished_at)
				    SELECT id, 1, 'concurrent', 'worker', 'succeeded', clock_timestamp(), clock_timestamp() FROM redcache.view
				    RETURNING id, as_of
				), proven AS (
				    UPDATE redcache.generation SET as_of = run.as_of FROM run
				), gone AS (
				    DELETE FROM redcache.run r USING redcache.state s WHERE r.id = s.last_run_id
				)
				UPDATE redcache.state SET last_run_id = run.id FROM run`)
			if err != nil {
				t.Error(err)
				break
			}
			if n++; n%100 == 0 { // as autovacuum would: each look would take longer than the one before
				if _, err := conn.Exec(t.Context(), `VACUUM redcache.run, redcache.state, redcache.generation`); err != nil {
					t.Error(err)
				}
			}
		}
		worked <- n
	}()
	const looks = 60
	for n := range looks {
		var list []shownView
		args := [][]string{{"list", "--json"}, {"status", "bi.one", "--json"}}[n%2]
		out := o.must(t, args...)
		if n%2 == 1 {
			out = "[" + out + "]"
		}
		if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 1 {
			t.Fatal(out, err)
		}
		v := list[0]
		if v.AsOf == nil || v.LastRun == nil || v.LastRun.AsOf == nil || !v.LastRun.AsOf.Equal(*v.AsOf) {
			t.Fatalf("look %d: as of %v beside the run %+v", n, v.AsOf, v.LastRun)
		}
	}
	stop()
	if n := <-worked; n < looks {
		t.Errorf("the worker was not busy: %d runs", n)
	}
}
