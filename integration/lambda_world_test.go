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
	build := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc,nethttpomithttp2", "-ldflags", "-s -w", "-o", into, "./cmd/lambda/"+name)
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
