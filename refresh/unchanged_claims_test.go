package refresh_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// Redshift notes changes late. What it has not noted is not claimed to be in the copy.
func TestUnchanged_TheAsOfAllowsForALateNote(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	b.source.TrackChanges(t, "public.item")
	b.source.NoteChangesAfter(time.Hour)
	v := b.skippingView(catalog.Merge, catalog.SkipModified)
	b.add(t, v)
	long := refresh.NewRunner(b.pool, refresh.Config{ModifiedLag: time.Hour})
	read, before := b.asOf(t, v), time.Now()
	b.nextBatch(t, 1)
	run := wantState(t, long, refresh.Request{View: v.Name}, catalog.Unchanged)
	if !run.AsOf.Equal(read) || !b.asOf(t, v).Equal(read) || before.Before(read) {
		t.Errorf("as of %s, after a read at %s, and a change that nobody has noted", run.AsOf, read)
	}
	const lag = 300 * time.Millisecond
	short := refresh.NewRunner(b.pool, refresh.Config{ModifiedLag: lag})
	for last, deadline := read, time.Now().Add(time.Minute); ; {
		if time.Now().After(deadline) {
			t.Fatal("as-of does not move")
		}
		started := time.Now()
		run := wantState(t, short, refresh.Request{View: v.Name}, catalog.Unchanged)
		now := b.asOf(t, v)
		if now.Before(last) || !run.AsOf.Equal(now) {
			t.Fatalf("as of %s, the run says %s, and before it was %s", now, run.AsOf, last)
		}
		if last = now; now.After(read) {
			if behind := started.Sub(now); behind > lag || time.Since(now) < lag {
				t.Errorf("as of %s before the refresh, %s before its end, want %s", behind, time.Since(now), lag)
			}
			break
		}
	}
	if run := wantState(t, long, refresh.Request{View: v.Name}, catalog.Unchanged); run.AsOf.Before(b.asOf(t, v)) {
		t.Errorf("as of %s, and readers were told %s", run.AsOf, b.asOf(t, v))
	}
	b.source.NoteChangesAfter(0)
	wantState(t, long, refresh.Request{View: v.Name}, catalog.Succeeded)
	b.wantBatch(t, v, 1)
}

func TestUnchanged_AutoTakesTheProofThatKeepsThePromise(t *testing.T) {
	t.Parallel()
	b := setup(t, append(batchSQL, "CREATE TABLE public.untold AS TABLE public.item")...)
	b.source.TrackChanges(t, "public.item")
	b.source.NoteChangesAfter(0)
	runner := refresh.NewRunner(b.pool, refresh.Config{ModifiedLag: time.Hour})
	for name, tt := range map[string]struct {
		how           catalog.SkipUnchanged
		every, maxAge time.Duration
		table         string
		want          []catalog.RunState // of the first refresh after the first load, and of the next
		reason        string
		young         bool // up to now
	}{
		"no_promise": {catalog.SkipAuto, time.Minute, 0, "item", []catalog.RunState{catalog.Unchanged, catalog.Unchanged}, "noted no change", false},
		"kept":       {catalog.SkipAuto, time.Minute, 2 * time.Hour, "item", []catalog.RunState{catalog.Unchanged, catalog.Unchanged}, "noted no change", false},
		// The first one finds no content to compare with.
		"broken":             {catalog.SkipAuto, 20 * time.Minute, 70 * time.Minute, "item", []catalog.RunState{catalog.Succeeded, catalog.Unchanged}, "content is the same", true},
		"untold":             {catalog.SkipAuto, 0, 0, "untold", []catalog.RunState{catalog.Unchanged, catalog.Unchanged}, "content is the same", true},
		"untold_to_modified": {catalog.SkipModified, 0, 0, "untold", []catalog.RunState{catalog.Succeeded, catalog.Succeeded}, "say nothing", true},
	} {
		v := b.skippingView(catalog.Merge, tt.how)
		v.Name.View, v.Query = name, "SELECT id, batch, note FROM public."+tt.table
		v.RefreshEvery, v.MaxAge = tt.every, tt.maxAge
		b.add(t, v)
		for n, want := range tt.want {
			b.do(t, `UPDATE redcache.generation SET as_of = as_of - interval '1 day'`)
			started := time.Now()
			run := wantState(t, runner, refresh.Request{View: v.Name}, want)
			if (want == catalog.Unchanged || n > 0) && !strings.Contains(reasonOf(run), tt.reason) {
				t.Errorf("%s: the reason is %q, want %q", name, reasonOf(run), tt.reason)
			}
			if young := started.Sub(*run.AsOf) < time.Minute; young != tt.young {
				t.Errorf("%s: as of %s ago", name, started.Sub(*run.AsOf))
			}
		}
	}
}

// An incremental copy is not all that its source is: deletes wait for a reconciliation, and young rows for their time.
func TestUnchanged_WhatAnIncrementalReadHasLeftOutIsReadInTheEnd(t *testing.T) {
	t.Parallel()
	for _, how := range proofs {
		t.Run(string(how), func(t *testing.T) {
			t.Parallel()
			b := setup(t, `CREATE TABLE public.event (id int, at timestamp)`,
				`INSERT INTO public.event SELECT i, now() AT TIME ZONE 'UTC' - interval '1 hour' FROM generate_series(1, 10) i`)
			runner := b.atOnce(t, "public.event")
			v := b.view("reconciled", "SELECT id, at FROM public.event", catalog.Incremental)
			v.Key, v.Watermark, v.SkipUnchanged, v.ReconcileEvery = []string{"id"}, "at", how, time.Hour
			b.add(t, v)
			b.change(t, "DELETE FROM public.event WHERE id = 1")
			wantState(t, runner, refresh.Request{View: v.Name}, catalog.Succeeded)
			wantState(t, runner, refresh.Request{View: v.Name}, catalog.Unchanged)
			b.do(t, `UPDATE redcache.generation SET reconciled_at = now() - interval '61 minutes'`)
			wantState(t, runner, refresh.Request{View: v.Name}, catalog.Succeeded)
			b.wantEqual(t, v)
			wantState(t, runner, refresh.Request{View: v.Name}, catalog.Unchanged)

			v.Name.View, v.ReconcileEvery, v.SafetyLag = "lagging", 0, 4*time.Second
			b.change(t, "INSERT INTO public.event VALUES (11, now() AT TIME ZONE 'UTC')")
			b.add(t, v)
			if n := len(rows(t, b.pool, "SELECT FROM bi.lagging")); n != 9 {
				t.Errorf("%d rows, want those that are old enough", n)
			}
			eventually(t, func() error {
				run, err := runner.Refresh(t.Context(), refresh.Request{View: v.Name})
				if n := len(rows(t, b.pool, "SELECT FROM bi.lagging WHERE id = 11")); err == nil && n == 0 {
					err = fmt.Errorf("%s, and the young row is missing", run.State)
				}
				return err
			})
		})
	}
}
