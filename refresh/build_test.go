package refresh_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

// While another generation is built, for as long as that takes, the one that readers see is refreshed.
func TestBuild_KeepsNobodyFromRefreshing(t *testing.T) {
	t.Parallel()
	for _, way := range setWays {
		t.Run(string(way.strategy)+" by "+string(way.transport), func(t *testing.T) {
			t.Parallel()
			b := setup(t, batchSQL...)
			v := b.batchView("item", way.strategy, way.transport)
			if v.Strategy == catalog.Incremental {
				v.Watermark, v.Lookback = "batch", "0"
			}
			b.add(t, v)
			meanwhile := once(refresh.Loading, func() {
				for batch := 1; batch <= 2; batch++ {
					b.nextBatch(t, batch)
					run := b.refresh(t, refresh.Request{View: v.Name, Whole: true})
					b.wantBatch(t, v, batch)
					if run.State != catalog.Succeeded {
						t.Errorf("beside a build: %s", run.State)
					}
				}
				if building := rows(t, b.pool, `SELECT origin FROM redcache.run WHERE state = 'running'`); len(building) != 1 {
					t.Errorf("under way are %v, not the build alone", building)
				}
				b.wantChanging(t, v, true)
				b.nextBatch(t, 3)
			})
			run, err := b.definer.Alter(t.Context(), v.Name,
				func(v *catalog.View) error { v.Indexes = []string{"batch"}; return nil }, false, meanwhile)
			if err != nil || run.State != catalog.Succeeded {
				t.Fatalf("%s, %v", run.State, err)
			}
			b.wantBatch(t, v, 3)
			b.wantChanging(t, v, false)
			if run.Note != "" {
				t.Errorf("of rows that are the newest: %s", run.Note)
			}
			b.nextBatch(t, 4)
			b.refresh(t, refresh.Request{View: v.Name, Whole: true})
			b.wantBatch(t, v, 4)
			b.wantNoSets(t)
			b.wantNothingLeft(t)
		})
	}
}

func TestBuild_OfAGroupKeepsNobodyFromRefreshing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	views := b.group(t, catalog.AutoTransport, catalog.Merge, catalog.Merge)
	meanwhile := once(refresh.Loading, func() {
		if run := b.refresh(t, refresh.Request{View: views[0].Name, Whole: true}); run.State != catalog.Succeeded || len(run.Others) != 1 {
			t.Errorf("beside a build: %s, and %d others", run.State, len(run.Others))
		}
	})
	run, err := b.definer.Alter(t.Context(), views[1].Name, func(v *catalog.View) error { v.Indexes = []string{"id"}; return nil }, false, meanwhile)
	if err != nil || run.State != catalog.Succeeded || len(run.Others) != 1 {
		t.Errorf("%s, and %d others, %v", run.State, len(run.Others), err)
	}
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}

// once does something when a change is at a phase for the first time.
func once(at refresh.Phase, do func()) func(refresh.Phase) {
	done := false
	return func(phase refresh.Phase) {
		if phase == at && !done {
			done = true
			do()
		}
	}
}

// wantChanging wants a view to be shown as one that somebody is changing, or not, and not as one that is refreshed.
func (b *bundle) wantChanging(t *testing.T, v catalog.View, want bool) {
	t.Helper()
	all, err := b.store.Status(t.Context())
	if err != nil || len(all) != 1 || all[0].Running != nil || (all[0].Changing != nil) != want {
		t.Errorf("%+v, %v", all, err)
	}
}

// Whoever changes or drops a view that somebody else is changing would take from him what he has built.
func TestBuild_IsNotDisturbedByOtherChanges(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Merge, catalog.StreamTransport)
	third, other := b.batchView("third", catalog.Merge, catalog.StreamTransport), b.batchView("fourth", catalog.Merge, catalog.StreamTransport)
	b.add(t, third)
	other.Group = "g"
	small := func(v *catalog.View) error { v.MaxAge = 7 * time.Hour; return nil }
	join := func(v *catalog.View) error { v.Group = "g"; return nil }
	meanwhile := once(refresh.Loading, func() {
		for what, err := range map[string]error{
			"alter":            second(b.definer.Alter(t.Context(), v.Name, small, false, nil)),
			"drop":             b.definer.Drop(t.Context(), v.Name),
			"join":             second(b.definer.Alter(t.Context(), third.Name, join, false, nil)),
			"add to the group": second(b.definer.Add(t.Context(), other, false, nil)),
			"both": second(b.definer.Apply(t.Context(), []refresh.Change{
				{Name: v.Name, Define: small}, {Name: catalog.Name{Schema: "bi", View: "other"}, Add: true, Define: func(w *catalog.View) error {
					*w = b.batchView("other", catalog.Merge, catalog.StreamTransport)
					return nil
				}},
			})),
		} {
			busy, is := errors.AsType[*catalog.BusyError](err)
			if !is || busy.By.Deed() != "changes bi.item" || !strings.Contains(hintOf(err), "wait until that has ended, or stop it") {
				t.Errorf("%s: %v, %s", what, err, hintOf(err))
			}
		}
	})
	change := func(v *catalog.View) error { v.Indexes, v.Group = []string{"batch"}, "g"; return nil }
	_, err := b.definer.Alter(t.Context(), v.Name, change, false, meanwhile)
	if err != nil {
		t.Error(err)
	}
	if now, _ := b.stateOf(t, v); !slices.Equal(now.Indexes, []string{"batch"}) || now.MaxAge == 7*time.Hour {
		t.Errorf("%+v", now.Definition)
	}
	if err := second(b.definer.Alter(t.Context(), v.Name, small, false, nil)); err != nil {
		t.Error(err)
	}
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}

func second[T any](_ T, err error) error { return err }

// What somebody was building who is gone is in nobody's way.
func TestBuild_OfADeadProcessIsNotInTheWay(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Merge, catalog.DblinkTransport)
	b.leaveBehind(t, v.Name)
	b.exec(t, `INSERT INTO redcache.run (view_id, generation, strategy, origin, state) SELECT view_id, number, 'merge', 'cli', 'running'
		FROM redcache.generation WHERE number = 2`) // as if it had been killed earlier
	if err := second(b.definer.Alter(t.Context(), v.Name, func(v *catalog.View) error { v.MaxAge = 7 * time.Hour; return nil }, false, nil)); err != nil {
		t.Error(err)
	}
	b.wantThere(t, "v1_g2", false)
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}

// Nobody takes for left behind what somebody builds who waits before he tries again.
func TestBuild_IsNotLeftBehindWhileItPauses(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Merge, catalog.StreamTransport)
	fails := once(refresh.Loading, func() { b.source.FailNext("public.item", redshiftsim.SerializationFailure(100)) })
	slow := refresh.NewDefiner(b.pool, refresh.NewRunner(b.pool, refresh.Config{Backoff: infra.Backoff{Base: 3 * time.Second}}))
	done := make(chan error, 1)
	go func() {
		done <- second(slow.Alter(t.Context(), v.Name, func(v *catalog.View) error { v.Indexes = []string{"batch"}; return nil }, false, fails))
	}()
	b.untilSome(t, `SELECT FROM redcache.set WHERE touched_at > clock_timestamp() + interval '1 s'`)
	err := second(b.definer.Alter(t.Context(), v.Name, func(v *catalog.View) error { v.MaxAge = 7 * time.Hour; return nil }, false, nil))
	if err := await(t, done); err != nil {
		t.Errorf("it was taken from him: %v", err)
	}
	if err != nil && !errors.As(err, new(*catalog.BusyError)) {
		t.Error(err)
	}
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}

// The server holds the lock of a set for as long as it has not noticed that the connection was cut. The next attempt waits for that.
func TestBuild_WaitsForALockOfItsOwn(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Merge, catalog.StreamTransport)
	cut := once(refresh.Locking, func() {
		ghost := b.begun(t, `SELECT pg_advisory_xact_lock('redcache.set'::regclass::oid::int, id) FROM redcache.set WHERE published_at IS NULL`)
		go func() {
			b.awaitsLock(t)
			leave(t, ghost)
		}()
	})
	if err := second(b.definer.Alter(t.Context(), v.Name, func(v *catalog.View) error { v.Indexes = []string{"batch"}; return nil }, false, cut)); err != nil {
		t.Error(err)
	}
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}
