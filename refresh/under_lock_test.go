package refresh_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh"
)

// awaitsLock waits until somebody stands in the queue of an advisory lock.
func (b *bundle) awaitsLock(t *testing.T) {
	t.Helper()
	b.untilSome(t, `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
}

func TestGroup_IsHeldByAnyOfItsLocks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	views := b.group(t, catalog.AutoTransport, catalog.Merge, catalog.Merge, catalog.Merge)
	for n, held := range views {
		holder := b.holder(t, held)
		asked := views[(n+1)%len(views)]
		run, err := b.runner.Refresh(t.Context(), refresh.Request{View: asked.Name})
		if err != nil || run.State != catalog.Skipped || run.Holder == nil {
			t.Errorf("%s is held, and a refresh of %s is %s, %v", held.Name, asked.Name, run.State, err)
		}
		leave(t, holder)
	}
	b.wantNothingLeft(t)
}

func TestGroup_AsOfIsBeforeItsSnapshot(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, transport catalog.Transport) {
		b := setup(t)
		views := b.group(t, transport, catalog.Merge, catalog.Merge)
		b.source.Delay(50 * time.Millisecond) // so that what comes after the snapshot is seen to
		run := b.refresh(t, refresh.Request{View: views[0].Name})
		var began time.Time
		for _, s := range b.source.Statements() {
			if strings.Contains(s.SQL, redshift.BeginSnapshot) {
				began = s.Start
			}
		}
		if began.IsZero() || run.AsOf.After(began) {
			t.Errorf("as of %s, and its snapshot was asked for at %s", run.AsOf, began)
		}
	})
}

// What was proven in a snapshot says nothing of the rows that are read in another.
func TestUnchanged_AnotherSnapshotProvesNothing(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, transport catalog.Transport) {
		b := setup(t)
		views := b.group(t, transport, catalog.Merge, catalog.Merge)
		for _, v := range views {
			b.set(t, v, func(v *catalog.View) { v.SkipUnchanged = catalog.SkipContent })
		}
		first := views[0].Name
		wantState(t, b.runner, refresh.Request{View: first}, catalog.Succeeded)
		wantState(t, b.runner, refresh.Request{View: first}, catalog.Unchanged)
		b.source.FailNext("public.t1", redshiftsim.EngineError{Code: "22003", Message: "Numeric data overflow"})
		wantState(t, b.runner, refresh.Request{View: first}, catalog.Succeeded)
		if known := rows(t, b.pool, `SELECT content FROM redcache.copy WHERE content IS NOT NULL`); len(known) > 0 {
			t.Errorf("after the snapshot in which it was computed, %s is taken for the content of what was read", known)
		}
		wantState(t, b.runner, refresh.Request{View: first}, catalog.Succeeded)
		wantState(t, b.runner, refresh.Request{View: first}, catalog.Unchanged)
	})
}

// Whoever has the lock says what a run is. One that was given up meanwhile writes nothing.
func TestRefresh_OneThatWasAbandonedWritesNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*catalog.View){
		"swap":      func(v *catalog.View) { v.Strategy = catalog.Swap },
		"merge":     func(*catalog.View) {},
		"unchanged": func(v *catalog.View) { v.SkipUnchanged = catalog.SkipContent },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, batchSQL...)
			v := b.batchView("item", catalog.Merge, catalog.StreamTransport)
			change(&v)
			b.add(t, v)
			_, before := b.stateOf(t, v)
			keeper := begin(t, b.source.Engine, pgx.ReadCommitted, "LOCK TABLE public.item IN ACCESS EXCLUSIVE MODE")
			started := time.Now()
			refreshing := b.refreshing(t.Context(), refresh.Request{View: v.Name})
			b.awaitRead(t, "public.item", started)
			b.do(t, `UPDATE redcache.run SET state = 'abandoned', finished_at = clock_timestamp(), error = 'gone' WHERE state = 'running'`)
			leave(t, keeper)
			f := await(t, refreshing)
			if !errors.Is(f.err, catalog.ErrRunOver) || f.run.State != catalog.Failed {
				t.Errorf("got %s, %v", f.run.State, f.err)
			}
			_, after := b.stateOf(t, v)
			if *after.AsOf != *before.AsOf || *after.Loaded != *before.Loaded {
				t.Errorf("the state says %+v, before it said %+v", after, before)
			}
			b.wantBatch(t, v, 0)
			b.wantNothingLeft(t)
		})
	}
}

// A definition changes when no refresh runs, and is looked at again then.
func TestDefine_WaitsForTheViewsLock(t *testing.T) {
	t.Parallel()
	for name, define := range map[string]func(b *bundle, t *testing.T, v catalog.View) error{
		"alter": func(b *bundle, t *testing.T, v catalog.View) error {
			_, err := b.definer.Alter(t.Context(), v.Name, func(v *catalog.View) error { v.MaxAge += time.Hour; return nil }, false, nil)
			return err
		},
		"drop": func(b *bundle, t *testing.T, v catalog.View) error { return b.definer.Drop(t.Context(), v.Name) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, v := batches(t, catalog.Merge, catalog.StreamTransport)
			holder := b.holder(t, v)
			done := make(chan error, 1)
			go func() { done <- define(b, t, v) }()
			b.awaitsLock(t)
			if _, err := holder.Exec(t.Context(), `UPDATE redcache.generation SET definition = definition || '{"max_age": 25200}'`); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-done:
				t.Errorf("it did not wait: %v", err)
			default:
			}
			if err := holder.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := await(t, done); err != nil {
				t.Fatal(err)
			}
			if got := rows(t, b.pool, `SELECT max_age FROM redcache.generation`); name == "alter" && !slices.Equal(got, []string{`"08:00:00" `}) {
				t.Errorf("the promise is %s: it goes by what was there before the lock", got)
			}
		})
	}
}

// A view that was dropped and added again while somebody waited for its lock has another one.
func TestDefine_LocksTheViewThatItChanges(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Merge, catalog.StreamTransport)
	first := b.holder(t, v)
	altered := b.alter(t.Context(), v.Name, func(v *catalog.View) { v.MaxAge = time.Hour })
	b.awaitsLock(t)
	for _, statement := range []string{"DROP VIEW bi.item", "DROP TABLE redcache_data.v1_g1", "DELETE FROM redcache.view"} {
		if _, err := first.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := catalog.In(first).AddView(t.Context(), withColumns(v), 0)
	if err != nil {
		t.Fatal(err)
	}
	second := b.begun(t, "SELECT")
	if _, err := second.Exec(t.Context(), `SELECT pg_advisory_xact_lock('redcache.view'::regclass::oid::int, $1)`, stored.ID); err != nil {
		t.Fatal(err)
	}
	if err := first.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.awaitsLock(t)
	select {
	case err := <-altered:
		t.Errorf("it changed a view that somebody else has locked: %v", err)
	default:
	}
	leave(t, second)
	if err := await(t, altered); err != nil {
		t.Fatal(err)
	}
	if now, _ := b.stateOf(t, v); now.MaxAge != time.Hour || now.ID != stored.ID {
		t.Errorf("%+v", now)
	}
}

func withColumns(v catalog.View) catalog.View {
	v.Columns = []catalog.Column{{Name: "id", Type: "integer"}, {Name: "batch", Type: "integer"}, {Name: "note", Type: "character varying(40)"}}
	return v
}

func TestPublish_LaterTakesTheLocksAgain(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Swap, catalog.DblinkTransport)
	old := b.oldReader(t)
	b.nextBatch(t, 1)
	refreshing := b.refreshing(t.Context(), refresh.Request{View: v.Name})
	b.untilSome(t, `SELECT FROM redcache.copy WHERE loaded = 2`)
	holder := b.holder(t, v)
	leave(t, old)
	b.awaitsLock(t)
	b.wantBatch(t, v, 0)
	leave(t, holder)
	wantSucceeded(t, refreshing)
	b.wantBatch(t, v, 1)
	b.wantNothingLeft(t)
}

// What each part of a definition asks for is built.
func TestAlter_BuildsWhatTheDefinitionSays(t *testing.T) {
	t.Parallel()
	b := setup(t, append(batchSQL, `UPDATE public.item SET note = 'a`+redshiftsim.NULMarker+`b' WHERE id = 5`)...)
	other := b.link
	other.Name = "other"
	other, err := access.CreateLink(t.Context(), b.pool, other, access.Login{Password: redshiftsim.Password})
	if err != nil {
		t.Fatal(err)
	}
	note := func(v catalog.View) string {
		return rows(t, b.readers, "SELECT note FROM "+v.Name.SQL()+" WHERE id = 5")[0]
	}
	for name, tt := range map[string]struct {
		change func(*catalog.View)
		want   string // of the note with a zero byte
	}{
		"zero bytes": {func(v *catalog.View) { v.NulBytes = catalog.TrustNul }, `"a" `},
		"query":      {func(v *catalog.View) { v.Query = "SELECT id, batch, upper(note) AS note FROM public.item" }, `"AB" `},
		"link":       {func(v *catalog.View) { v.LinkName = other.Name }, `"ab" `},
		"key":        {func(v *catalog.View) { v.Key = []string{"id", "batch"} }, `"ab" `},
		"index":      {func(v *catalog.View) { v.Indexes = []string{"note"} }, `"ab" `},
		"watermark":  {func(v *catalog.View) { v.Strategy, v.Watermark = catalog.Incremental, "batch" }, `"ab" `},
		"strategy":   {func(v *catalog.View) { v.Strategy = catalog.Concurrent }, `"ab" `},
	} {
		v := b.batchView(name, catalog.Merge, catalog.DblinkTransport)
		b.add(t, v)
		if got := note(v); got != `"ab" ` {
			t.Fatalf("the note is %s", got)
		}
		before, _ := b.stateOf(t, v)
		if err := await(t, b.alter(t.Context(), v.Name, tt.change)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		after, state := b.stateOf(t, v)
		if after.Generation != before.Generation+1 || *state.Generation != after.Generation {
			t.Errorf("%s: generation %d after %d, and readers see %d", name, after.Generation, before.Generation, *state.Generation)
		}
		if got := note(v); got != tt.want {
			t.Errorf("%s: the note is %s, want %s", name, got, tt.want)
		}
	}
}
