package refresh_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

// catcher is a definer that catches up whatever it builds, one after the other, in one of so many parts of the time that it took.
func (b *bundle) catcher(share int) *refresh.Definer {
	config := refresh.Config{Attempts: 1, CatchUpAfter: time.Nanosecond, CatchUpShare: share}
	return refresh.NewDefiner(b.pool, refresh.NewRunner(b.pool, config)).Building(1)
}

// nth does something when a change has come to a phase for the n-th time, of whichever view.
func nth(n int, at refresh.Phase, do func()) func(refresh.Phase) {
	return func(phase refresh.Phase) {
		if strings.HasSuffix(string(phase), string(at)) {
			if n--; n == 0 {
				do()
			}
		}
	}
}

// wantBatches wants readers to see a batch of the n-th view of a set, for each n.
func (b *bundle) wantBatches(t *testing.T, want ...int) {
	t.Helper()
	for n, batch := range want {
		var low, high, count int
		err := b.readers.QueryRow(t.Context(), fmt.Sprintf("SELECT min(batch), max(batch), count(*) FROM bi.s%02d", n)).Scan(&low, &high, &count)
		if err != nil || low != batch || high != batch || count != 200 {
			t.Errorf("s%02d: %d rows of the batches %d to %d, %v; want those of %d", n, count, low, high, err, batch)
		}
	}
}

// What was built early is read again before readers see it, by each strategy.
func TestCatchUp_WhatWasBuiltEarlyIsReadAgain(t *testing.T) {
	t.Parallel()
	const views = 6
	b := setup(t, batchSQL...)
	b.setOf(t, views)
	var changed time.Time
	last := nth(views-1, refresh.Loading, func() {
		changed = time.Now()
		b.change(t, `UPDATE public.item SET batch = 1`)
	})
	changes := b.era(views, 1)
	for _, i := range []int{1, 2} { // which are built as one
		era := changes[i].Define
		changes[i].Define = func(v *catalog.View) error { v.Group = "both"; return era(v) }
	}
	runs, err := b.catcher(1).Telling(last).Apply(t.Context(), changes)
	if err != nil {
		t.Fatal(err)
	}
	b.wantEra(t, views, 1)
	b.wantBatches(t, 1, 1, 1, 1, 1, 1)
	for _, run := range slices.Concat(runs, runs[1].Others) {
		if run.AsOf == nil || run.AsOf.Before(changed) || run.Note != "" {
			t.Errorf("%s: as of %v, %s", run.View, run.AsOf, run.Note)
		}
	}
	// Each was added by a run of its own.
	got := rows(t, b.pool, `SELECT format('%s: %s %s %s', v.view_name, count(*), bool_and(r.whole), count(DISTINCT r.generation)) FROM redcache.view v
		JOIN redcache.run r ON r.view_id = v.id GROUP BY v.view_name ORDER BY v.view_name`)
	if want := []string{
		`"s00: 3 t 2" `, `"s01: 3 t 2" `, `"s02: 3 t 2" `, `"s03: 3 t 2" `, `"s04: 3 f 2" `, `"s05: 3 t 2" `,
	}; !slices.Equal(got, want) {
		t.Errorf("runs, whether all are whole, generations: %v, want %v", got, want)
	}
	b.wantNoSets(t)
	b.wantNothingLeft(t)
	for n := range views {
		b.refresh(t, refresh.Request{View: b.memberOf(n, 1).Name})
	}
	b.wantBatches(t, 1, 1, 1, 1, 1, 1)
}

// What reads all of its source is not read twice where that would take as long again; what reads only what is new is.
func TestCatchUp_TakesAFewMomentsOnly(t *testing.T) {
	t.Parallel()
	const views = 5
	b := setup(t, batchSQL...)
	b.setOf(t, views)
	last := nth(2, refresh.Loading, func() { b.change(t, `UPDATE public.item SET batch = 1`) })
	changes := b.era(views, 1)
	if _, err := b.catcher(10).Telling(last).Apply(t.Context(), []refresh.Change{changes[4], changes[3]}); err != nil {
		t.Fatal(err)
	}
	b.wantBatches(t, 0, 0, 0, 1, 1)
	if n := rows(t, b.pool, `SELECT count(*) FROM redcache.run`); n[0] != `"8" ` {
		t.Errorf("%v runs, want 5 that have added, 2 that have built, and 1 that has caught up", n)
	}
	// Nothing is read twice of what was built in a moment.
	if _, err := b.definer.Apply(t.Context(), b.era(views, 2)); err != nil {
		t.Fatal(err)
	}
	if n := rows(t, b.pool, `SELECT count(*) FROM redcache.run`); n[0] != `"13" ` {
		t.Errorf("%v runs, want 5 more", n)
	}
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}

// Where a source cannot be read once more, what was built of it is right all the same.
func TestCatchUp_ThatFailsLosesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	v := b.memberOf(4, 0)
	fails := nth(2, refresh.Loading, func() { b.source.FailNext("public.item", redshiftsim.SerializationFailure(100)) })
	run, err := b.catcher(10).Add(t.Context(), v, false, fails)
	if err != nil || !strings.Contains(run.Note, "as they were built: once more they could not be read: ") {
		t.Fatalf("%s, %v", run.Note, err)
	}
	if states := rows(t, b.pool, `SELECT state FROM redcache.run ORDER BY id`); !slices.Equal(states, []string{`"failed" `, `"succeeded" `}) {
		t.Errorf("the history has %v", states)
	}
	b.wantNoSets(t)
	b.wantNothingLeft(t)
	b.change(t, `UPDATE public.item SET batch = 1`)
	b.refresh(t, refresh.Request{View: v.Name})
	var most int
	if err := b.readers.QueryRow(t.Context(), `SELECT max(batch) FROM bi.s04`).Scan(&most); err != nil || most != 1 {
		t.Errorf("readers see batch %d, %v", most, err)
	}
}
