package integration_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/redcache/redcache/internal/lambdatest"
	"github.com/redcache/redcache/internal/pgtest"
)

// buildFunctions builds the functions for this machine as they are built for Lambda, once.
var buildFunctions = sync.OnceValue(func() error {
	for _, name := range []string{"dispatch", "refresh"} {
		if err := buildFunction(name, filepath.Join(built.bin, "lambda-"+name)); err != nil {
			return err
		}
	}
	return nil
})

func buildFunction(name, into string, env ...string) error {
	build := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", into, "./cmd/lambda/"+name)
	build.Dir = ".."
	build.Env = append(build.Environ(), append([]string{"CGO_ENABLED=0"}, env...)...)
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build function %s: %w\n%s", name, err, out)
	}
	return nil
}

// function returns an execution environment of a function whose environment variables are just what it needs.
func (w *world) function(t testing.TB, name string, timeout time.Duration, env ...string) *lambdatest.Environment {
	t.Helper()
	if err := buildFunctions(); err != nil {
		t.Fatal(err)
	}
	env = append([]string{"DATABASE_URL=" + w.cacheURL, "REDCACHE_APPLICATION=redcache lambda " + name}, env...)
	return lambdatest.New(t, lambdatest.Config{Binary: program("lambda-" + name), Env: env, Timeout: timeout, StopGrace: 3 * time.Second})
}

// direct is what a person sends to the refresher.
func direct(view string) []byte { return fmt.Appendf(nil, `{"view": %q}`, view) }

// queued is what the refresher gets from its queue.
func queued(t testing.TB, bodies ...string) []byte {
	t.Helper()
	var e events.SQSEvent
	for i, body := range bodies {
		e.Records = append(e.Records, events.SQSMessage{MessageId: fmt.Sprint("m", i), Body: body, EventSource: "aws:sqs"})
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func invoke(t testing.TB, e *lambdatest.Environment, event []byte) lambdatest.Result {
	t.Helper()
	r, err := e.Invoke(event)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// invoking invokes in the background.
func invoking(t testing.TB, e *lambdatest.Environment, event []byte) (result func() lambdatest.Result) {
	t.Helper()
	ended := make(chan lambdatest.Result, 1)
	go func() {
		r, err := e.Invoke(event)
		if err != nil {
			t.Error(err)
		}
		ended <- r
	}()
	return func() lambdatest.Result {
		select {
		case r := <-ended:
			return r
		case <-time.After(2 * patience):
			t.Fatal("the invocation does not end")
			return lambdatest.Result{}
		}
	}
}

// lambdaWorld has a table and two views of it, one for each transport.
func lambdaWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, pgtest.Config{}, fmt.Sprintf(`
		CREATE TABLE public.item AS
		SELECT id, 0 AS batch, CAST(repeat('x', 100) AS varchar(100)) AS note, now() AT TIME ZONE 'UTC' AS updated_at
		FROM generate_series(1, %d) id`, items), quickSource)
	for view, transport := range lambdaViews {
		w.cachectl(t, "add-view", view, "--link", "dw", "--query", "SELECT * FROM public.source", "--strategy", "merge", "--key", "id",
			"--transport", transport, "--every", "1s", "--timeout", "1h")
	}
	return w
}

var lambdaViews = map[string]string{"bi.dblink": "dblink", "bi.stream": "stream"}

// What the views read, and the same so slowly that it would take an hour.
const (
	quickSource = `CREATE OR REPLACE VIEW public.source AS ` + itemQuery
	slowSource  = quickSource + ` WHERE pg_sleep(9) IS NOT NULL`
)

// slowDown changes the source, and makes reading it take an hour.
func (w *world) slowDown(t testing.TB) {
	t.Helper()
	w.change(t, `UPDATE public.item SET batch = batch + 1, updated_at = now() AT TIME ZONE 'UTC'`)
	w.change(t, slowSource)
}

// awaitDue waits until it is time to refresh a view.
func (w *world) awaitDue(t testing.TB, view string) {
	t.Helper()
	eventually(t, patience, func() error {
		return w.wantCount(t, `SELECT FROM redcache.state s JOIN redcache.view v ON v.id = s.view_id
			WHERE s.next_due <= now() AND v.schema_name || '.' || v.view_name = '`+view+`'`, 1)
	})
}

// awaitReading waits until rows of a view are under way, and returns the statement that reads them.
func (w *world) awaitReading(t testing.TB, view string, since time.Time) {
	t.Helper()
	eventually(t, patience, func() error {
		for _, s := range w.source.Statements() {
			if s.Start.After(since) && s.End.IsZero() && s.QueryGroup == "redcache "+view && strings.Contains(s.SQL, "public.source") {
				return nil
			}
		}
		return errors.New("the source was not asked for " + view)
	})
}

// lastRun returns the newest run of a view.
func (w *world) lastRun(t testing.TB, view string) pastRun {
	t.Helper()
	all := w.runs(t, 0)
	slices.Reverse(all)
	for _, r := range all {
		if r.View == view {
			return r
		}
	}
	t.Fatalf("view %s has no runs", view)
	return pastRun{}
}

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

// wantDocumented wants the answer to have no other fields than cachectl has, which docs/json.md explains.
func (w *world) wantDocumented(t testing.TB, answer []byte, view string) {
	t.Helper()
	var got map[string]any
	var documented []map[string]any
	err := errors.Join(json.Unmarshal(answer, &got),
		json.Unmarshal([]byte(w.cachectl(t, "refresh", view, "--json")), &documented))
	if err != nil || len(documented) != 1 {
		t.Fatal(documented, err)
	}
	for field, value := range got {
		if known, ok := documented[0][field]; !ok || value != nil && known != nil && fmt.Sprintf("%T", value) != fmt.Sprintf("%T", known) {
			t.Errorf("the answer has a field %q with %v, which cachectl does not have so", field, value)
		}
	}
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
			began := time.Now()
			r := invoke(t, w.function(t, "refresh", timeout), direct(view))
			if r.TimedOut || !strings.Contains(r.Error, "not done 5s before the caller's deadline") ||
				!strings.Contains(r.Error, "Give the refresh more time") {
				t.Errorf("%s: got %s after %s", view, r, r.Took)
			}
			if last := w.lastRun(t, view); last.State != "failed" || !strings.Contains(text(last.Error), "caller's deadline") {
				t.Errorf("%s: the history says %s, %s", view, last.State, text(last.Error))
			}
			w.wantOver(t, view, began.Add(timeout))
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
