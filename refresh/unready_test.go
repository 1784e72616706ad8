package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// etlSQL is a source with a log of the loads of its tables.
var etlSQL = append(slices.Clone(salesSQL),
	`CREATE TABLE public.etl_log (name varchar(40), done boolean)`,
	`INSERT INTO public.etl_log VALUES ('sales', true)`)

const loaded = "SELECT done FROM public.etl_log WHERE name = 'sales'"

// awaitingView is a view of sales that is read once they are loaded.
func (b *bundle) awaitingView(strategy catalog.Strategy, transport catalog.Transport) catalog.View {
	v := b.salesView(strategy)
	v.Name.View += "_" + string(transport)
	v.Transport, v.ReadyWhen, v.RefreshEvery = transport, loaded, time.Hour
	return v
}

// wantSaid wants an error of so many words.
func wantSaid(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, want := range words {
		if err == nil || !strings.Contains(err.Error()+" "+infra.Hint(err), want) {
			t.Errorf("got %v (%s), want %q", err, infra.Hint(err), want)
		}
	}
}

// stateAfter is the state of a view, and when it is due by the clock of the cache.
func (b *bundle) stateAfter(t *testing.T, v catalog.View) (state catalog.State, due time.Duration) {
	t.Helper()
	_, state, err := b.store.ViewAndState(t.Context(), v.Name)
	if err != nil || state.NextDue == nil {
		t.Fatalf("%s is due at %v, %v", v.Name, state.NextDue, err)
	}
	return state, state.NextDue.Sub(state.Now)
}

// Nothing is read of a source that is not ready, nothing of the copy changes, and the view is due again in a minute; as soon as it
// is ready, it is read.
func TestReady_NothingIsReadBefore(t *testing.T) {
	t.Parallel()
	b := setup(t, etlSQL...)
	for _, v := range []catalog.View{
		b.awaitingView(catalog.Swap, catalog.StreamTransport), b.awaitingView(catalog.Merge, catalog.DblinkTransport),
		b.awaitingView(catalog.Incremental, catalog.StreamTransport), b.awaitingView(catalog.Concurrent, catalog.DblinkTransport),
	} {
		b.change(t, "UPDATE public.etl_log SET done = true")
		b.add(t, v)
		copied := `SELECT s.generation, s.loaded, s.as_of, s.row_count, s.watermark, s.failures, pg_relation_filenode(format('redcache_data.v%s_g%s', s.view_id, s.generation)::regclass)
			FROM redcache.copy s JOIN redcache.view v ON v.id = s.view_id WHERE v.view_name = '` + v.Name.View + `'`
		before, seen := rows(t, b.pool, copied), rows(t, b.readers, "SELECT * FROM "+v.Name.SQL())
		b.change(t, "INSERT INTO public.sales SELECT max(id) + 1, 'new', 1, NULL, max(updated_at) + interval '1 second' FROM public.sales")
		var since *time.Time
		for _, tt := range []struct{ change, said string }{
			{"UPDATE public.etl_log SET done = false", "false"},
			{"UPDATE public.etl_log SET done = NULL", "NULL"},
			{"DELETE FROM public.etl_log", "no row"},
		} {
			b.change(t, tt.change)
			started := time.Now()
			run := wantState(t, b.runner, refresh.Request{View: v.Name, Whole: tt.said == "NULL"}, catalog.Skipped)
			if want := "the source is not ready: " + loaded + " returned " + tt.said; reasonOf(run) != want || run.Holder != nil || run.Error != nil {
				t.Errorf("%s: %q, held by %v, error %v; want %q", v.Name, reasonOf(run), run.Holder, run.Error, want)
			}
			if run.RowsRead != nil || run.Generation != 1 || run.FinishedAt == nil {
				t.Errorf("%s: %v rows read, generation %d", v.Name, run.RowsRead, run.Generation)
			}
			if after := rows(t, b.pool, copied); !slices.Equal(after, before) {
				t.Errorf("%s, %s: %s, it was %s", v.Name, tt.said, after, before)
			}
			b.wantRows(t, v, seen)
			state, due := b.stateAfter(t, v)
			if due <= 30*time.Second || due > time.Minute || state.UnreadySince == nil || since != nil && !state.UnreadySince.Equal(*since) {
				t.Errorf("%s, %s: due in %s, not ready since %v, and before %v", v.Name, tt.said, due, state.UnreadySince, since)
			}
			since = state.UnreadySince
			for _, s := range b.source.Statements() {
				if s.Start.After(started) && strings.Contains(s.SQL, "public.sales") {
					t.Errorf("%s: the source was asked %s", v.Name, s.SQL)
				}
			}
		}
		b.change(t, "INSERT INTO public.etl_log VALUES ('sales', true)")
		b.refresh(t, refresh.Request{View: v.Name})
		b.wantEqual(t, v)
		if state, due := b.stateAfter(t, v); due < 50*time.Minute || state.UnreadySince != nil {
			t.Errorf("%s: due in %s, not ready since %v", v.Name, due, state.UnreadySince)
		}
	}
	b.wantNothingLeft(t)
}

// A view that is due more often than once a minute, or earlier by its schedule, stays so; one without an interval is not due at all.
func TestReady_IsDueNoLaterThanBefore(t *testing.T) {
	t.Parallel()
	b := setup(t, etlSQL...)
	v := b.awaitingView(catalog.Merge, catalog.DblinkTransport)
	b.add(t, v)
	b.change(t, "UPDATE public.etl_log SET done = false")
	for _, tt := range []struct {
		every, due string
		most       time.Duration
	}{{"10", "-1 s", 10 * time.Second}, {"3600", "20 s", 20 * time.Second}, {"3600", "30 min", time.Minute}} {
		for _, statement := range []string{
			`UPDATE redcache.generation SET definition = jsonb_set(definition, '{refresh_every}', '` + tt.every + `')`,
			`UPDATE redcache.state SET next_due = now() + '` + tt.due + `'`,
		} {
			if _, err := b.pool.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		wantState(t, b.runner, refresh.Request{View: v.Name}, catalog.Skipped)
		if _, due := b.stateAfter(t, v); due > tt.most || due < tt.most-10*time.Second {
			t.Errorf("every %s s, due in %s: due in %s", tt.every, tt.due, due)
		}
	}
	if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.RefreshEvery = 0 }); err != nil {
		t.Fatal(err)
	}
	wantState(t, b.runner, refresh.Request{View: v.Name}, catalog.Skipped)
	if _, state, err := b.store.ViewAndState(t.Context(), v.Name); err != nil || state.NextDue != nil {
		t.Errorf("without an interval it is due at %v, %v", state.NextDue, err)
	}
}

// Another condition, or none, needs no other rows; it has the view read at once, where it waits for its source.
func TestReady_AChangeNeedsNoRows(t *testing.T) {
	t.Parallel()
	b := setup(t, etlSQL...)
	v := b.awaitingView(catalog.Swap, catalog.StreamTransport)
	b.add(t, v)
	b.change(t, "UPDATE public.etl_log SET done = false")
	wantState(t, b.runner, refresh.Request{View: v.Name}, catalog.Skipped)
	if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.ReadyWhen = "" }); err != nil {
		t.Fatal(err)
	}
	state, due := b.stateAfter(t, v)
	if *state.Generation != 1 || state.Highest != 1 || due > 0 || state.UnreadySince != nil {
		t.Errorf("generation %d of %d, due in %s, not ready since %v", *state.Generation, state.Highest, due, state.UnreadySince)
	}
	b.refresh(t, refresh.Request{View: v.Name})
}

// What stands in the way of the condition is an error of the remote side, which says what to do; a refresh that cannot ask does not read.
func TestReady_WhatIsNoAnswerFails(t *testing.T) {
	t.Parallel()
	b := setup(t, etlSQL...)
	for _, transport := range bothTransports {
		b.change(t, "CREATE VIEW public.ready AS "+loaded)
		v := b.awaitingView(catalog.Merge, transport)
		v.ReadyWhen = "SELECT * FROM public.ready"
		b.add(t, v)
		seen := rows(t, b.readers, "SELECT * FROM "+v.Name.SQL())
		b.change(t, "DELETE FROM public.sales WHERE id = (SELECT min(id) FROM public.sales)")
		for _, tt := range []struct{ view, want string }{
			{"SELECT true AS done UNION ALL SELECT true", "it returns more than one row"},
			{"SELECT 'true'::varchar(4) AS done", "boolean"},
			{"SELECT 1 AS done", "boolean"},
			{"SELECT true AS done, 1 AS other", "it returns more than one column"},
			{"SELECT 1 / (1 - count(*)) = 1 AS done FROM public.etl_log", "division by zero"},
			{"", `relation "public.ready" does not exist`},
		} {
			b.change(t, "DROP VIEW IF EXISTS public.ready")
			if tt.view != "" {
				b.change(t, "CREATE VIEW public.ready AS "+tt.view)
			}
			run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
			wantSaid(t, err, tt.want, "ask through link dw whether the source is ready, by SELECT * FROM public.ready", "--ready-when")
			if run.State != catalog.Failed {
				t.Errorf("%s, %s: the run is %s", transport, tt.view, run.State)
			}
			b.wantRows(t, v, seen)
		}
		if state, _ := b.stateAfter(t, v); state.Failures != 6 || state.UnreadySince != nil {
			t.Errorf("%d failures, not ready since %v", state.Failures, state.UnreadySince)
		}
	}
	b.wantNothingLeft(t)
}

// A condition that could never answer is refused when it is defined, and nothing has changed.
func TestReady_IsDescribed(t *testing.T) {
	t.Parallel()
	b := setup(t, etlSQL...)
	v := b.awaitingView(catalog.Merge, catalog.StreamTransport)
	b.add(t, v)
	for condition, want := range map[string]string{
		"SELECT name FROM public.etl_log":       "type character varying",
		"SELECT count(*) FROM public.etl_log":   "type bigint",
		"SELECT done, name FROM public.etl_log": "2 columns",
		"SELECT done FROM public.nowhere":       "public.nowhere",
		"SELECT nonsense":                       "nonsense",
		"DELETE FROM public.etl_log":            "not a SELECT",
		"SELECT true; DROP TABLE sales":         "a semicolon",
		"SELECT true INTO public.other":         "INTO would write",
		"SELECT (true":                          "never closed",
		"SELECT\ntrue":                          "in one line",
	} {
		wantSaid(t, <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.ReadyWhen = condition }), want)
		other := v
		other.Name.View, other.ReadyWhen = "other", condition
		_, err := b.definer.Add(t.Context(), other, false, nil)
		wantSaid(t, err, want)
	}
	for _, condition := range []string{
		"SELECT count(*) > 0 FROM public.etl_log WHERE done", "WITH a AS (SELECT done FROM public.etl_log) SELECT bool_and(done) FROM a", "(SELECT true) -- always",
	} {
		if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.ReadyWhen = condition }); err != nil {
			t.Error(err)
		}
		b.refresh(t, refresh.Request{View: v.Name})
	}
	if stored, err := b.store.View(t.Context(), v.Name); err != nil || stored.Generation != 1 {
		t.Errorf("generation %d, %v", stored.Generation, err)
	}
	b.wantNothingLeft(t)
}

// The views of a group are read together, or none of them is.
func TestReady_OfAGroup(t *testing.T) {
	t.Parallel()
	for _, transport := range bothTransports {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			b := setup(t, etlSQL...)
			views := b.group(t, transport, catalog.Merge, catalog.Swap, catalog.Merge)
			for _, n := range []int{0, 1} {
				b.change(t, fmt.Sprintf("INSERT INTO public.etl_log VALUES ('t%d', true)", n))
				condition := fmt.Sprintf("SELECT done FROM public.etl_log WHERE name = 't%d'", n)
				if err := <-b.alter(t.Context(), views[n].Name, func(v *catalog.View) { v.ReadyWhen = condition }); err != nil {
					t.Fatal(err)
				}
			}
			for n := range 2 {
				if err := b.grow(t.Context(), views); err != nil {
					t.Fatal(err)
				}
				b.change(t, fmt.Sprintf("UPDATE public.etl_log SET done = name <> 't%d'", n))
				run := wantState(t, b.runner, refresh.Request{View: views[2].Name}, catalog.Skipped)
				if want := fmt.Sprintf("view bi.v%d of its group is not read: the source is not ready", n); !strings.Contains(reasonOf(run), want) || len(run.Others) != 2 {
					t.Errorf("%q, and %d others", reasonOf(run), len(run.Others))
				}
				for _, other := range run.Others {
					if !other.Unready() || !strings.Contains(reasonOf(other), "the source is not ready") {
						t.Errorf("%s: %s, %q", other.View, other.State, reasonOf(other))
					}
				}
				b.wantAge(t, views, 2*n)
				b.change(t, "UPDATE public.etl_log SET done = true")
				if err := b.grow(t.Context(), views); err != nil {
					t.Fatal(err)
				}
				b.refresh(t, refresh.Request{View: views[2].Name})
				b.wantAge(t, views, 2*n+2)
			}
			b.wantNothingLeft(t)
		})
	}
}

// Who waits for a build is told that the source is not ready, and nothing is left of it. Without data nobody asks.
func TestReady_NothingIsBuiltBefore(t *testing.T) {
	t.Parallel()
	b := setup(t, etlSQL...)
	v := b.awaitingView(catalog.Swap, catalog.StreamTransport)
	b.add(t, v)
	b.change(t, "UPDATE public.etl_log SET done = false")
	before := b.catalogRows(t)
	words := []string{"the source is not ready: " + loaded + " returned false", "Wait until it returns true", "--ready-when ''"}
	wantSaid(t, <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Indexes = []string{"region"} }), words...)
	other := b.awaitingView(catalog.Merge, catalog.DblinkTransport)
	_, err := b.definer.Add(t.Context(), other, false, nil)
	wantSaid(t, err, words...)
	plain := b.view("plain", "SELECT name FROM public.etl_log", catalog.Swap)
	_, err = b.definer.Apply(t.Context(), []refresh.Change{adding(plain), adding(other)})
	wantSaid(t, err, words...)
	if after := b.catalogRows(t); !slices.Equal(after, before) {
		t.Errorf("%v, it was %v", after, before)
	}
	b.wantNothingLeft(t)
	if _, err := b.definer.Add(t.Context(), other, true, nil); err != nil {
		t.Fatal(err)
	}
	run := wantState(t, b.runner, refresh.Request{View: other.Name}, catalog.Skipped)
	if run.Note != "" || !run.Unready() {
		t.Errorf("%+v", run)
	}
	if steps, err := b.runner.Plan(t.Context(), refresh.Request{View: other.Name}); err != nil || len(steps) == 0 {
		t.Errorf("%d steps, %v", len(steps), err)
	}
	b.change(t, "UPDATE public.etl_log SET done = true")
	b.refresh(t, refresh.Request{View: other.Name})
	b.wantEqual(t, other)
	b.wantNothingLeft(t)
}

// catalogRows are the definitions and the states.
func (b *bundle) catalogRows(t *testing.T) []string {
	t.Helper()
	return append(rows(t, b.pool, "SELECT v.id, v.view_name, v.generation, v.changed_at, s.* FROM redcache.view v JOIN redcache.state s ON s.view_id = v.id"),
		rows(t, b.pool, "SELECT view_id, number, state, definition FROM redcache.generation")...)
}

// Whoever ends a refresh, or its process, while a condition is being computed, leaves nothing.
func TestReady_EndedWhileItIsAsked(t *testing.T) {
	t.Parallel()
	for _, transport := range bothTransports {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			b := setup(t, etlSQL...)
			b.change(t, "CREATE VIEW public.source AS "+loaded)
			v := b.awaitingView(catalog.Merge, transport)
			v.ReadyWhen = "SELECT done FROM public.source"
			b.add(t, v)
			seen := rows(t, b.readers, "SELECT * FROM "+v.Name.SQL())
			b.change(t, `CREATE OR REPLACE VIEW public.source AS SELECT done FROM public.etl_log, (SELECT pg_sleep(3600)) s`)
			told, _ := b.stopWhileReading(t, v)
			if !strings.Contains(told, "stopped by the test") {
				t.Errorf("the history says %q", told)
			}
			b.wantNothingLeft(t)

			d := b.doomed(t)
			d.after = math.MaxInt
			done := make(chan error, 1)
			go func() {
				_, err := d.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
				done <- err
			}()
			b.untilAsked(t, v)
			d.mu.Lock()
			d.dead = true
			d.mu.Unlock()
			b.terminate(t, `application_name = 'doomed'`)
			select {
			case err := <-done:
				if err == nil {
					t.Error("a refresh whose sessions were ended has succeeded")
				}
			case <-time.After(time.Minute):
				t.Fatal("the refresh goes on")
			}
			b.wantRows(t, v, seen)
			b.change(t, "CREATE OR REPLACE VIEW public.source AS "+loaded)
			eventually(t, func() error {
				run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
				if err == nil && run.State != catalog.Succeeded {
					err = errors.New(string(run.State))
				}
				return err
			})
			b.wantNothingLeft(t)
		})
	}
}

// The view's timeout bounds the condition.
func TestReady_TimesOut(t *testing.T) {
	t.Parallel()
	b := setup(t, etlSQL...)
	b.change(t, "CREATE VIEW public.source AS "+loaded)
	v := b.awaitingView(catalog.Merge, catalog.StreamTransport)
	v.ReadyWhen = "SELECT done FROM public.source"
	b.add(t, v)
	if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Timeout = time.Second }); err != nil {
		t.Fatal(err)
	}
	b.change(t, `CREATE OR REPLACE VIEW public.source AS SELECT done FROM public.etl_log, (SELECT pg_sleep(3600)) s`)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	run, err := b.runner.Refresh(ctx, refresh.Request{View: v.Name})
	wantSaid(t, err, "whether the source is ready", "alter-view bi.sales_merge_stream --timeout")
	if run.State != catalog.Failed {
		t.Errorf("the run is %s", run.State)
	}
	b.wantNothingLeft(t)
}
