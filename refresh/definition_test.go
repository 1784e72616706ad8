package refresh_test

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/refresh"
)

// What a new definition asks for is there when it is published, however many runs that takes.
func TestPublish_ALaterRunDoesNotMixTwoDefinitions(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*catalog.View){
		"index":    func(v *catalog.View) { v.Indexes = []string{"batch"} },
		"query":    func(v *catalog.View) { v.Query = "SELECT id, batch, note, 1 AS one FROM public.item" },
		"was view": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, batchSQL...)
			v := b.batchView("item", catalog.Merge, catalog.DblinkTransport)
			if change == nil {
				v.Strategy = catalog.Concurrent
				change = func(v *catalog.View) { v.Strategy = catalog.Merge }
			}
			b.add(t, v)
			reader := b.oldReader(t)
			impatient := refresh.NewRunner(b.pool, refresh.Config{Patience: 300 * time.Millisecond, SwitchPatience: 300 * time.Millisecond})
			_, err := refresh.NewDefiner(b.pool, impatient).Alter(t.Context(), v.Name,
				func(v *catalog.View) error { change(v); return nil }, false, nil)
			if err != nil {
				t.Fatal(err)
			}
			for batch := 1; batch <= 2; batch++ {
				b.nextBatch(t, batch)
				run, err := impatient.Refresh(t.Context(), refresh.Request{View: v.Name})
				if err != nil || run.Note == "" || run.Whole != true {
					t.Errorf("%s, note %q, %v", run.State, run.Note, err)
				}
				filled(t, reader, v)
				b.wantBatch(t, v, 0)
			}
			leave(t, reader)
			b.refresh(t, refresh.Request{View: v.Name})
			change(&v)
			b.wantEqual(t, v)
			indexes := rows(t, b.pool, `SELECT pg_get_indexdef(indexrelid, 1, true) FROM pg_index
				WHERE indrelid = 'redcache_data.v1_g2'::regclass`)
			if !slices.Contains(indexes, `"id" `) || name == "index" && !slices.Contains(indexes, `"batch" `) {
				t.Errorf("the table that readers see has the indexes %s", indexes)
			}
			b.wantNothingLeft(t)
		})
	}
}

// stateOf is what the catalog says of a view.
func (b *bundle) stateOf(t *testing.T, v catalog.View) (catalog.View, catalog.State) {
	t.Helper()
	view, state, err := b.store.ViewAndState(t.Context(), v.Name)
	if err != nil {
		t.Fatal(err)
	}
	state.Now, state.Backend = time.Time{}, 0
	return view, state
}

// set changes a view's definition, and fills nothing.
func (b *bundle) set(t *testing.T, v catalog.View, change func(*catalog.View)) {
	t.Helper()
	if _, err := b.definer.Alter(t.Context(), v.Name, func(v *catalog.View) error { change(v); return nil }, true, nil); err != nil {
		t.Fatal(err)
	}
}

func TestAlter_WhatIsNotAboutTheRowsMakesNothingDue(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	runner := b.atOnce(t, "public.item")
	for _, skip := range []catalog.SkipUnchanged{catalog.SkipModified, catalog.SkipContent} {
		v := b.skippingView(catalog.Merge, skip)
		v.Name.View, v.RefreshEvery = string(skip), time.Hour
		b.add(t, v)
		_, before := b.stateOf(t, v)
		if before.NextDue == nil || cmp.Or(before.Modified, before.Content) == nil {
			t.Fatalf("nothing to forget: %+v", before)
		}
		for name, change := range map[string]func(*catalog.View){
			"nothing":         func(*catalog.View) {},
			"max age":         func(v *catalog.View) { v.MaxAge = 3 * time.Hour },
			"timeout":         func(v *catalog.View) { v.Timeout = 2 * time.Minute },
			"grants":          func(v *catalog.View) { v.Grantees = nil },
			"grants again":    func(v *catalog.View) { v.Grantees = []string{pgtest.Reader} },
			"transport":       func(v *catalog.View) { v.Transport = catalog.StreamTransport },
			"group":           func(v *catalog.View) { v.Group = "finance" },
			"no group":        func(v *catalog.View) { v.Group = "" },
			"allow shrink":    func(v *catalog.View) { v.AllowShrink = 7 },
			"split":           func(v *catalog.View) { v.Split, v.Sessions = "id", 2 },
			"strategy":        func(v *catalog.View) { v.Strategy = catalog.Auto },
			"skip by another": func(v *catalog.View) { v.SkipUnchanged = catalog.SkipAuto },
			"skip":            func(v *catalog.View) { v.SkipUnchanged = skip },
		} {
			if err := <-b.alter(t.Context(), v.Name, change); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			_, after := b.stateOf(t, v)
			if before.SeenBy.Rebuilds(after.SeenBy) || before.LoadedBy.Rebuilds(after.LoadedBy) {
				t.Errorf("%s, %s: the generation is not of the definition any more", skip, name)
			}
			before.SeenBy, before.LoadedBy = after.SeenBy, after.LoadedBy
			if !gocmp.Equal(before, after) {
				t.Errorf("%s, %s (-before +after):\n%s", skip, name, gocmp.Diff(before, after))
			}
		}
		b.set(t, v, func(v *catalog.View) { v.SkipUnchanged, v.Split, v.Sessions = skip, "", 1 })
		wantState(t, runner, refresh.Request{View: v.Name}, catalog.Unchanged)
	}
}

func TestAlter_OfTheIntervalGoesByTheLastRefresh(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	v := b.batchView("item", catalog.Merge, catalog.StreamTransport)
	v.RefreshEvery = time.Hour
	run := b.add(t, v)
	for _, every := range []time.Duration{10 * time.Minute, 3 * time.Hour, 0, 2 * time.Hour} {
		b.set(t, v, func(v *catalog.View) { v.RefreshEvery = every })
		_, state := b.stateOf(t, v)
		if every == 0 {
			if state.NextDue != nil {
				t.Errorf("on demand, and due at %s", state.NextDue)
			}
			continue
		}
		if state.NextDue == nil || state.NextDue.Sub(run.StartedAt.Add(every)).Abs() > 2*time.Second {
			t.Errorf("every %s, last at %s, due at %v", every, run.StartedAt, state.NextDue)
		}
	}
	b.do(t, `UPDATE redcache.generation SET as_of = as_of + interval '1 year'`)
	b.do(t, `UPDATE redcache.state SET next_due = next_due + interval '1 year'`)
	b.set(t, v, func(v *catalog.View) { v.RefreshEvery = time.Hour })
	if _, state := b.stateOf(t, v); time.Until(*state.NextDue) > time.Hour {
		t.Errorf("after a clock was wrong, it is due at %s", state.NextDue)
	}
}

// What has failed may be mended by any change, and is tried at once.
func TestAlter_OfAFailingViewMakesItDue(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	v := b.batchView("item", catalog.Merge, catalog.StreamTransport)
	v.RefreshEvery = time.Hour
	b.add(t, v)
	b.change(t, "DELETE FROM public.item WHERE id > 20")
	for range 4 {
		if run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name}); err == nil || run.State != catalog.Failed {
			t.Fatalf("%s, %v", run.State, err)
		}
	}
	b.set(t, v, func(v *catalog.View) { v.AllowShrink = 100 })
	if _, state := b.stateOf(t, v); state.NextDue.After(time.Now()) || state.Failures != 0 {
		t.Errorf("due at %s, %d failures", state.NextDue, state.Failures)
	}
}

// More may be wanted than was read.
func TestAlter_OfWhatIsReadForgetsWhatIsProven(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	runner := b.atOnce(t, "public.sales")
	v := b.salesView(catalog.Incremental)
	v.SkipUnchanged, v.Lookback = catalog.SkipContent, "0s"
	b.add(t, v)
	b.change(t, `INSERT INTO public.sales VALUES (5000, 'late', 1, NULL, '2026-01-01')`) // below the watermark
	wantState(t, runner, refresh.Request{View: v.Name}, catalog.Succeeded)
	wantState(t, runner, refresh.Request{View: v.Name}, catalog.Unchanged)
	b.set(t, v, func(v *catalog.View) { v.Lookback = "1d" })
	wantState(t, runner, refresh.Request{View: v.Name}, catalog.Succeeded)
	b.wantEqual(t, v)
}

func TestAlter_ThatFailsLeavesAllAsItWas(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	runner := b.atOnce(t, "public.item")
	for name, change := range map[string]func(*catalog.View){
		"query": func(v *catalog.View) { v.Query = "SELECT id / 0 AS id, batch, note FROM public.item" },
		"key":   func(v *catalog.View) { v.Key = []string{"batch"} },
	} {
		v := b.skippingView(catalog.Merge, catalog.SkipContent)
		v.Name.View, v.RefreshEvery = name, time.Hour
		b.add(t, v)
		view, state := b.stateOf(t, v)
		if err := <-b.alter(t.Context(), v.Name, change); err == nil {
			t.Errorf("%s: it did not fail", name)
		}
		viewAfter, stateAfter := b.stateOf(t, v)
		viewAfter.ChangedAt = view.ChangedAt
		if !gocmp.Equal(state, stateAfter) || !gocmp.Equal(view, viewAfter) {
			t.Errorf("%s (-before +after):\n%s%s", name, gocmp.Diff(state, stateAfter), gocmp.Diff(view, viewAfter))
		}
		wantState(t, runner, refresh.Request{View: v.Name}, catalog.Unchanged)
		b.wantEqual(t, v)
	}
	b.wantNothingLeft(t)
}

// A change of anything but the query is of the same rows, and may not lose them.
func TestShrink_AChangeOfTheSameQueryLosesNothing(t *testing.T) {
	t.Parallel()
	to := func(strategy catalog.Strategy) func(*catalog.View) {
		return func(v *catalog.View) {
			v.Strategy, v.Watermark, v.Lookback = strategy, "", ""
			if strategy == catalog.Incremental {
				v.Watermark = "batch"
			}
		}
	}
	for name, tt := range map[string]struct {
		from   catalog.Strategy
		change func(*catalog.View)
	}{
		"merge to concurrent":     {catalog.Merge, to(catalog.Concurrent)},
		"merge to nonconcurrent":  {catalog.Merge, to(catalog.Nonconcurrent)},
		"merge to incremental":    {catalog.Merge, to(catalog.Incremental)},
		"concurrent to swap":      {catalog.Concurrent, to(catalog.Swap)},
		"nonconcurrent to merge":  {catalog.Nonconcurrent, to(catalog.Merge)},
		"incremental to auto":     {catalog.Incremental, to(catalog.Auto)},
		"index of a concurrent":   {catalog.Concurrent, func(v *catalog.View) { v.Indexes = []string{"batch"} }},
		"index of an incremental": {catalog.Incremental, func(v *catalog.View) { v.Indexes = []string{"batch"} }},
		"key of a merge":          {catalog.Merge, func(v *catalog.View) { v.Key = []string{"batch", "id"} }},
		"no key of a swap":        {catalog.Swap, func(v *catalog.View) { v.Key = nil }},
		"zero bytes":              {catalog.Swap, func(v *catalog.View) { v.NulBytes = catalog.TrustNul }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, batchSQL...)
			v := b.batchView("item", tt.from, catalog.AutoTransport)
			to(tt.from)(&v)
			b.add(t, v)
			b.change(t, "CREATE TABLE public.kept AS TABLE public.item")
			b.change(t, "TRUNCATE public.item")
			err := <-b.alter(t.Context(), v.Name, tt.change)
			if err == nil || !strings.Contains(err.Error(), "in the source: 0, in the copy: 200") ||
				!strings.Contains(infra.Hint(err), "cachectl refresh bi.item --allow-shrink 100") {
				t.Errorf("got %v, hint %q", err, infra.Hint(err))
			}
			b.wantBatch(t, v, 0)
			b.change(t, "INSERT INTO public.item SELECT * FROM public.kept WHERE id <= 100")
			if err := <-b.alter(t.Context(), v.Name, tt.change); err != nil { // half may go
				t.Error(err)
			}
			tt.change(&v)
			b.wantEqual(t, v)
			b.change(t, "TRUNCATE public.item")
			if _, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name, AllowShrink: 100}); err != nil {
				t.Error(err)
			}
			b.wantNothingLeft(t)
		})
	}
}

// What somebody else makes of a view while another definition of it is built, which then fails, stays.
func TestDefine_WhatOthersDoMeanwhileStays(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		meanwhile func(t *testing.T, b *bundle, v catalog.View) // once, before the load, which then fails
		want      func(t *testing.T, view catalog.View, state catalog.State)
	}{
		"filled": {
			func(t *testing.T, b *bundle, v catalog.View) {
				b.nextBatch(t, 1)
				b.refresh(t, refresh.Request{View: v.Name})
			},
			func(t *testing.T, view catalog.View, state catalog.State) {
				if len(view.Indexes) > 0 || state.Generation == nil || *state.Generation != view.Generation {
					t.Errorf("what somebody has filled is not what is in force: %+v", view)
				}
			},
		},
		"changed": {
			func(t *testing.T, b *bundle, v catalog.View) {
				b.do(t, `UPDATE redcache.generation SET definition = definition || '{"max_age": 25200}' WHERE number = 1`)
			},
			func(t *testing.T, view catalog.View, _ catalog.State) {
				if view.MaxAge != 7*time.Hour || len(view.Indexes) > 0 {
					t.Errorf("what somebody has changed is taken back: %+v", view)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, batchSQL...)
			v := b.batchView("item", catalog.Merge, catalog.StreamTransport)
			b.add(t, v)
			v.Indexes = []string{"batch"}
			done := false
			progress := func(phase refresh.Phase) {
				if !done && phase == refresh.Loading {
					done = true
					tt.meanwhile(t, b, v)
					b.change(t, "ALTER TABLE IF EXISTS public.item RENAME TO gone")
					b.do(t, `ALTER SERVER redcache_dw OPTIONS (SET port '1')`) // for a query without a table
				}
			}
			_, err := b.definer.Alter(t.Context(), v.Name,
				func(w *catalog.View) error { w.Indexes = v.Indexes; return nil }, false, progress)
			if err == nil || !done {
				t.Errorf("got %v", err)
			}
			view, state := b.stateOf(t, v)
			tt.want(t, view, state)
			b.wantNoSets(t)
			b.wantNothingLeft(t)
		})
	}
}

// A view that is being added is nobody else's yet. What a process has left behind that was killed while it added one does not
// keep the name.
func TestAdd_TakesTheNameForAsLongAsItIsAtIt(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	v := b.batchView("item", catalog.Merge, catalog.DblinkTransport)
	old := b.oldReader(t) // which keeps it from being published
	ctx, kill := context.WithCancel(t.Context())
	d := b.doomed(t)
	d.after = math.MaxInt
	done := make(chan error, 1)
	go func() {
		_, err := refresh.NewDefiner(d.pool, d.runner).Add(ctx, v, false, nil)
		done <- err
	}()
	b.untilSome(t, someFilled)
	b.untilSome(t, `SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 'redcache.set'::regclass`)
	if _, err := b.definer.Add(t.Context(), v, false, nil); err == nil || !strings.Contains(err.Error(), "view bi.item is being added: doomed adds bi.item, for ") {
		t.Errorf("got %v", err)
	}
	if _, err := b.store.View(t.Context(), v.Name); !errors.As(err, new(*catalog.NotFoundError)) {
		t.Errorf("others find it: %v", err)
	}
	d.mu.Lock()
	d.dead = true
	d.mu.Unlock()
	b.terminate(t, `application_name = 'doomed'`)
	kill()
	if err := await(t, done); err == nil {
		t.Error("the dead have added a view")
	}
	leave(t, old)
	b.add(t, v)
	b.wantEqual(t, v)
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}
