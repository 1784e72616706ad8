package refresh_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// With a safety lag as-of is never later than what was read: here a row is as old as as-of says that it may be, at any
// fraction of a second.
func TestIncremental_AsOfWithASafetyLagClaimsOnlyWhatWasRead(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE public.tick (id integer, at timestamptz)",
		"INSERT INTO public.tick SELECT i, clock_timestamp() + (i - 4000) * interval '20 milliseconds' FROM generate_series(1, 8000) i")
	for _, transport := range bothTransports {
		v := b.view("tick_"+string(transport), "SELECT id, at FROM public.tick", catalog.Incremental)
		v.Key, v.Watermark, v.Lookback, v.SafetyLag, v.Transport = []string{"id"}, "at", "1m", 5*time.Second, transport
		b.add(t, v)
		b.source.Delay(150 * time.Millisecond) // a session takes its time between the clock and the rows
		for range 5 {
			run := b.refresh(t, refresh.Request{View: v.Name})
			var missing int
			err := b.source.Engine.QueryRow(t.Context(), "SELECT count(*) FROM public.tick WHERE at < $1", *run.AsOf).Scan(&missing)
			if err != nil {
				t.Fatal(err)
			}
			var have int
			err = b.pool.QueryRow(t.Context(), "SELECT count(*) FROM "+v.Name.SQL()+" WHERE at < $1", *run.AsOf).Scan(&have)
			if err != nil {
				t.Fatal(err)
			}
			if have < missing {
				t.Errorf("%s: as of %s there are %d rows, and %d in the copy", transport, run.AsOf, missing, have)
			}
			if behind := time.Since(*run.AsOf); behind > v.SafetyLag+10*time.Second {
				t.Errorf("as-of is %s behind", behind)
			}
		}
		b.source.Delay(0)
	}
}

// A state that was written while the clock was ahead does not last: the next run reads, says so, and puts it right.
func TestClock_AStateOfTheFutureIsMendedByTheNextRun(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		for _, skip := range []catalog.SkipUnchanged{catalog.SkipOff, catalog.SkipContent, catalog.SkipModified} {
			if strategy == catalog.Incremental && skip != catalog.SkipOff {
				continue
			}
			v := b.salesView(strategy)
			v.Name.View += string(skip)
			v.SkipUnchanged, v.RefreshEvery, v.MaxAge = skip, time.Minute, time.Hour
			if strategy == catalog.Incremental {
				v.ReconcileEvery = 24 * time.Hour
			}
			b.add(t, v)
			b.do(t, `UPDATE redcache.generation SET as_of = now() + interval '1 day', reconciled_at = now() + interval '1 day'`)
			b.do(t, `UPDATE redcache.state SET next_due = now() + interval '1 day'`)
			for _, status := range b.statuses(t) {
				if status.View.Name == v.Name && !status.Stale {
					t.Errorf("%s: is not stale with an as-of from the future", v.Name)
				}
			}
			if stale := rows(t, b.pool, `SELECT count(*) FROM redcache.freshness WHERE as_of > now() AND stale`); stale[0] == `"0" ` {
				t.Errorf("%s: applications take it for fresh", v.Name)
			}
			before := time.Now()
			run := b.refresh(t, refresh.Request{View: v.Name})
			if !run.Whole || !strings.Contains(reasonOf(run), "as-of was in the future") {
				t.Errorf("%s: whole %t, reason %q", v.Name, run.Whole, reasonOf(run))
			}
			for _, status := range b.statuses(t) {
				if status.View.Name != v.Name {
					continue
				}
				if status.AsOf.After(time.Now()) || status.AsOf.Before(before.Add(-time.Second)) || status.Stale {
					t.Errorf("%s: as of %s, stale %t", v.Name, status.AsOf, status.Stale)
				}
				if status.NextDue.After(time.Now().Add(2 * time.Minute)) {
					t.Errorf("%s: due %s", v.Name, status.NextDue)
				}
			}
			b.do(t, `UPDATE redcache.generation SET as_of = now() + interval '1 day'`) // alone: the last full read is not from then
			if run := b.refresh(t, refresh.Request{View: v.Name}); !run.Whole {
				t.Errorf("%s: not read in full, though as-of alone is from the future", v.Name)
			}
			b.do(t, `UPDATE redcache.generation SET reconciled_at = now() + interval '1 day'`) // alone: the next full read is not in a day
			if run := b.refresh(t, refresh.Request{View: v.Name}); !run.Whole && strategy == catalog.Incremental {
				t.Errorf("%s: not read in full, though the last full read alone is from the future", v.Name)
			}
			if skip == catalog.SkipContent {
				wantState(t, b.runner, refresh.Request{View: v.Name}, catalog.Unchanged)
			}
		}
	}
}

func (b *bundle) statuses(t *testing.T) []catalog.Status {
	t.Helper()
	all, err := b.store.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}
