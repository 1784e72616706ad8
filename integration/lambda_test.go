package integration_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/lambdatest"
	"github.com/redcache/redcache/internal/pgtest"
)

func TestLambda_RefreshesForWhoeverAsks(t *testing.T) {
	t.Parallel()
	w := lambdaWorld(t)
	e := w.function(t, "refresh", 30*time.Second)
	for view, transport := range lambdaViews {
		w.change(t, `UPDATE public.item SET batch = batch + 1`)
		r := invoke(t, e, direct(view))
		var run struct {
			View, State, Transport string
			RowsRead               int64 `json:"rows_read"`
		}
		if err := json.Unmarshal(r.Payload, &run); err != nil || run.View != view || run.State != "succeeded" ||
			run.Transport != transport || run.RowsRead != items {
			t.Errorf("got %s, %v", r, err)
		}
		w.wantEqual(t, view, itemQuery)
		w.wantDocumented(t, r.Payload, view)
	}
	for event, want := range map[string]string{
		`{"view": "bi.streams"}`:            "view bi.streams does not exist. did you mean bi.stream?",
		`{"version": 2, "view": "bi.none"}`: "its version is 2",
		`{}`:                                "it names no view",
		`"bi.stream"`:                       "no JSON object",
	} {
		if r := invoke(t, e, []byte(event)); !strings.Contains(r.Error, want) || r.Cold {
			t.Errorf("%s: got %s, want an error with %q", event, r, want)
		}
	}
	w.wantNothingLeft(t)
}

// A function that would not be done in time gives up before its deadline: the old rows stay, and nothing goes on.
func TestLambda_EndsBeforeItsDeadline(t *testing.T) {
	t.Parallel()
	w := lambdaWorld(t)
	const timeout = 14 * time.Second
	w.slowDown(t)
	var all sync.WaitGroup
	for view := range lambdaViews {
		all.Go(func() {
			before := mustLines(t, w.pool, "SELECT * FROM "+view)
			r := invoke(t, w.function(t, "refresh", timeout), direct(view))
			handedOver := time.Now().Add(-r.Took) // a cold start comes before, and is not counted
			if r.TimedOut || !strings.Contains(r.Error, "not done 5s before the caller's deadline") ||
				!strings.Contains(r.Error, "Give the refresh more time") {
				t.Errorf("%s: got %s after %s", view, r, r.Took)
			}
			if last := w.lastRun(t, view); last.State != "failed" || !strings.Contains(text(last.Error), "caller's deadline") {
				t.Errorf("%s: the history says %s, %s", view, last.State, text(last.Error))
			}
			w.wantOver(t, view, handedOver.Add(timeout))
			if !slices.Equal(before, mustLines(t, w.pool, "SELECT * FROM "+view)) {
				t.Errorf("%s: the old rows are gone", view)
			}
		})
	}
	all.Wait()
	w.wantNothingLeft(t)
}

// wantOver wants the source to have ended all that it did for a view before a deadline.
func (w *world) wantOver(t testing.TB, view string, deadline time.Time) {
	t.Helper()
	for _, s := range w.source.Statements() {
		if s.QueryGroup == "redcache "+view && (s.End.IsZero() || s.End.After(deadline)) {
			t.Errorf("%s: ran on the source until %s, after the deadline at %s: %s", view, s.End, deadline, s.SQL)
		}
	}
}

// A function that hangs cannot cancel anything. Both servers end what they do for it by themselves, before its deadline.
func TestLambda_ServersKnowTheDeadline(t *testing.T) {
	t.Parallel()
	w := lambdaWorld(t)
	const timeout = 14 * time.Second
	w.slowDown(t)
	var all sync.WaitGroup
	for view := range lambdaViews {
		all.Go(func() {
			e := w.function(t, "refresh", timeout, "REDCACHE_APPLICATION=hanging "+view)
			began := time.Now()
			result := invoking(t, e, direct(view))
			w.awaitReading(t, view, began)
			if err := e.Pause(); err != nil {
				t.Error(err)
			}
			eventually(t, patience, func() error {
				for _, s := range w.source.Statements() {
					if s.QueryGroup == "redcache "+view && s.End.IsZero() {
						return errors.New("the source works on: " + s.SQL)
					}
				}
				return w.wantCount(t, `SELECT pid FROM pg_stat_activity
					WHERE application_name = 'hanging `+view+`' AND state = 'active' AND wait_event_type IS DISTINCT FROM 'Client'`, 0)
			})
			if late := time.Since(began.Add(timeout)); late > 0 {
				t.Errorf("%s: the servers went on for %s after the deadline", view, late)
			}
			if r := result(); !r.TimedOut {
				t.Errorf("%s: got %s, want it to be killed", view, r)
			}
		})
	}
	all.Wait()
	w.wantNothingHeld(t)
	w.change(t, quickSource)
	e := w.function(t, "refresh", 30*time.Second)
	for view := range lambdaViews {
		if r := invoke(t, e, direct(view)); r.Failed() {
			t.Error(r)
		}
		w.wantEqual(t, view, itemQuery)
	}
	w.wantNothingLeft(t)
}

func TestLambda_RefusesToBeginTooLate(t *testing.T) {
	t.Parallel()
	w := lambdaWorld(t)
	e := w.function(t, "refresh", 9*time.Second)
	if r := invoke(t, e, direct("bi.stream")); !strings.Contains(r.Error, "a refresh begins with 10s at least") {
		t.Errorf("got %s", r)
	}
	r := invoke(t, e, queued(t, `{"version": 1, "view": "bi.stream"}`))
	if want := `{"batchItemFailures":[{"itemIdentifier":"m0"}]}`; string(r.Payload) != want {
		t.Errorf("got %s, want %s", r, want)
	}
	if last := w.lastRun(t, "bi.stream"); last.State != "succeeded" {
		t.Errorf("the history says %s", last.State)
	}
}

// Whatever ends a function in the middle of a refresh: the old rows stay, nothing goes on, and the next one repairs.
func TestLambda_MayEndInTheMiddle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		end   func(t *testing.T, e *lambdatest.Environment)
		state string // of the run, in the end
	}{
		{"SIGTERM", func(t *testing.T, e *lambdatest.Environment) {
			if told, _ := e.Shutdown(); !told {
				t.Error("it did not ask for SIGTERM")
			}
		}, "canceled"},
		{"SIGKILL", func(_ *testing.T, e *lambdatest.Environment) { e.Kill() }, "abandoned"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := lambdaWorld(t)
			w.slowDown(t)
			e := w.function(t, "refresh", time.Minute)
			for view := range lambdaViews {
				w.awaitDue(t, view)
				began := time.Now()
				before := mustLines(t, w.pool, "SELECT * FROM "+view)
				result := invoking(t, e, queued(t, `{"view": "`+view+`"}`))
				w.awaitReading(t, view, began)
				tt.end(t, e)
				if r := result(); !r.Exited && string(r.Payload) != `{"batchItemFailures":[]}` {
					t.Errorf("%s: got %s", view, r)
				}
				w.wantNothingHeld(t)
				if !slices.Equal(before, mustLines(t, w.pool, "SELECT * FROM "+view)) {
					t.Errorf("%s: the old rows are gone", view)
				}
			}
			w.change(t, quickSource)
			for view := range lambdaViews {
				ended := w.lastRun(t, view).ID
				w.awaitDue(t, view)
				if r := invoke(t, e, queued(t, `{"view": "`+view+`"}`)); string(r.Payload) != `{"batchItemFailures":[]}` {
					t.Errorf("%s: got %s", view, r)
				}
				w.wantEqual(t, view, itemQuery)
				for _, run := range w.runs(t, 0) {
					if run.ID == ended && run.State != tt.state {
						t.Errorf("%s: the history says %s, want %s", view, run.State, tt.state)
					}
				}
			}
			w.wantNothingLeft(t)
		})
	}
}

// Connections die while a function is frozen, and so may its database.
func TestLambda_WakesUpWithDeadConnections(t *testing.T) {
	t.Parallel()
	w := lambdaWorld(t)
	e := w.function(t, "refresh", 30*time.Second)
	for n, between := range []func(){
		func() {},
		func() {},
		func() {
			mustLines(t, w.admin, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'redcache lambda %'`)
		},
		func() {
			w.admin.Reset()
			w.pool.Reset()
			if err := w.cache.Halt(false); err != nil {
				t.Fatal(err)
			}
			if err := w.cache.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		between()
		w.change(t, `UPDATE public.item SET batch = batch + 1`)
		if r := invoke(t, e, direct("bi.stream")); r.Failed() || r.Cold != (n == 0) {
			t.Errorf("invocation %d: got %s, cold: %v", n+1, r, r.Cold)
		}
		w.wantEqual(t, "bi.stream", itemQuery)
	}
	w.wantNothingLeft(t)
}

func TestLambda_SaysWhatIsWrongWithItsEnvironment(t *testing.T) {
	t.Parallel()
	w := unlinkedWorld(t, pgtest.Config{})
	e := w.function(t, "refresh", 10*time.Second)
	if r := invoke(t, e, direct("bi.sales")); !strings.Contains(r.Error, "cachectl init") {
		t.Errorf("got %s, want it to name what is missing", r)
	}
	for _, tt := range []struct {
		name string
		env  string
		want string
	}{
		{"refresh", "REDCACHE_MAX_CONNS=2", "a refresh needs 3 connections"},
		{"refresh", "REDCACHE_KEEP_RUN=2", "did you mean REDCACHE_KEEP_RUNS?"},
		{"refresh", "DATABASE_URL=", "DATABASE_URL is not set"},
		{"dispatch", "REDCACHE_CLAIM=soon", "REDCACHE_QUEUE_URL is not set"},
	} {
		e := w.function(t, tt.name, 10*time.Second, tt.env)
		if r := invoke(t, e, []byte(`{}`)); !r.Exited || !strings.Contains(e.Log(), tt.want) {
			t.Errorf("%s with %s: got %s, log %s", tt.name, tt.env, r, e.Log())
		}
	}
}
