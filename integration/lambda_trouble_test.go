package integration_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/awssim"
	"github.com/redcache/redcache/internal/lambdatest"
)

// A source that falls silent in the middle of a read answers no request to cancel either. The function answers in time
// all the same, and the failure is in the history and in the metrics.
func TestLambda_AnswersInTimeForASourceThatFallsSilent(t *testing.T) {
	t.Parallel()
	w := lambdaWorld(t)
	const timeout = 14 * time.Second
	w.slowDown(t)
	var environments sync.Map
	var all sync.WaitGroup
	began := time.Now()
	for view := range lambdaViews {
		w.awaitDue(t, view)
		e := w.function(t, "refresh", timeout)
		environments.Store(view, e)
		result := invoking(t, e, queued(t, `{"view": "`+view+`"}`))
		all.Go(func() {
			if r := result(); string(r.Payload) != `{"batchItemFailures":[]}` {
				t.Errorf("%s: got %s after %s, want it to be done with", view, r, r.Took)
			}
		})
	}
	for view := range lambdaViews {
		w.awaitReading(t, view, began)
	}
	w.source.Stall(true)
	all.Wait()
	w.source.Stall(false)
	for view := range lambdaViews {
		if last := w.lastRun(t, view); last.State != "failed" || !strings.Contains(text(last.Error), "caller's deadline") {
			t.Errorf("%s: the history says %s, %s", view, last.State, text(last.Error))
		}
		e, _ := environments.Load(view)
		if out := string(e.(*lambdatest.Environment).Stdout()); !strings.Contains(out, `"Failed":1`) {
			t.Errorf("%s: no metric tells of it: %s", view, out)
		}
	}
}

// A moment without the cache database must not hide what was just sent for as long as the longest refresh takes.
func TestLambda_TriesAgainSoonWhatCouldNotBegin(t *testing.T) {
	t.Parallel()
	f := newFleet(t, lambdaWorld(t), 0, 1, awssim.QueueConfig{Visibility: time.Hour})
	f.refreshers[0] = f.function(t, "refresh", 20*time.Second,
		append(f.aws.Env(), "REDCACHE_CACHE=test", "REDCACHE_CONNECT_TIMEOUT=2s", "REDCACHE_QUEUE_URL="+f.queue.URL)...)
	f.awaitDue(t, "bi.stream")
	if r := invoke(t, f.refreshers[0], direct("bi.dblink")); r.Failed() { // so that it has connections, which die
		t.Fatal(r)
	}
	before := f.lastRun(t, "bi.stream").ID
	f.admin.Reset()
	f.pool.Reset()
	if err := f.cache.Halt(false); err != nil {
		t.Fatal(err)
	}
	f.queue.Send(`{"version": 1, "view": "bi.stream"}`)
	mapping, stop := f.start(t)
	eventually(t, patience, func() error {
		if len(mapping.Results()) == 0 {
			return errors.New("the message was not handed out")
		}
		return nil
	})
	if err := f.cache.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.drain(t)
	stop()
	if last := f.lastRun(t, "bi.stream"); last.ID == before || last.State != "succeeded" {
		t.Errorf("the history says %s", last.State)
	}
	if dead := f.dead.Bodies(); len(dead) > 0 {
		t.Errorf("dead letters: %q", dead)
	}
	f.wantNothingLeft(t)
}

// silence is the address of a server that takes connections and answers nothing.
func silence(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // its backlog takes them
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// AWS may take a call and say nothing. The dispatcher tells how old views are first, and then why nothing was sent, in time.
func TestLambda_DispatchesInVainInTime(t *testing.T) {
	t.Parallel()
	w := lambdaWorld(t)
	silent := silence(t)
	e := w.function(t, "dispatch", 20*time.Second, "REDCACHE_CACHE=test", "REDCACHE_QUEUE_URL=https://sqs.eu-central-1.amazonaws.com/123456789012/refresh",
		"AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret", "AWS_ENDPOINT_URL=http://"+silent)
	for view := range lambdaViews {
		w.awaitDue(t, view)
	}
	r := invoke(t, e, []byte(`{}`))
	if r.TimedOut || !strings.Contains(r.Error, "sqs:SendMessage") || !strings.Contains(r.Error, "VPC interface endpoint") {
		t.Errorf("got %s after %s", r, r.Took)
	}
	if !strings.Contains(string(e.Stdout()), "StaleViews") {
		t.Errorf("no metric tells how old views are: %s", e.Stdout())
	}
	if err := w.wantCount(t, `SELECT FROM redcache.state WHERE queued_until IS NOT NULL`, 0); err != nil {
		t.Errorf("views count as sent: %v", err)
	}
}

// Whoever sends nonsense gets a short answer, and so does the log, in which every line is JSON and names its invocation.
func TestLambda_IsBriefAboutNonsense(t *testing.T) {
	t.Parallel()
	w := lambdaWorld(t)
	e := w.function(t, "refresh", 30*time.Second)
	long := strings.Repeat("x", 3<<20)
	for name, tt := range map[string]struct{ event, want string }{
		"a long name":          {`{"view": "` + long + `"}`, "the name of its view is 3145728 bytes long"},
		"a long name in parts": {`{"view": "bi.` + strings.Repeat(`\"`, 1<<20) + `"}`, "bytes long"},
		"a long field":         {`{"view": "bi.none", "note": "` + long + `"}`, "view bi.none does not exist"},
		"nothing":              {``, "it is empty"},
		"blanks":               {" \n", "it is empty"},
		"an array":             {`[1]`, "no JSON object"},
		"another service":      {`{"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": "k"}}}]}`, "not all are messages of SQS"},
		"no records of SQS":    {`{"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "bi.stream"}}]}`, "not all are messages of SQS"},
	} {
		r := invoke(t, e, []byte(tt.event))
		if !strings.Contains(r.Error, tt.want) || len(r.Error) > 8<<10 {
			t.Errorf("%s: got %d bytes, %.300s", name, len(r.Error), r)
		}
	}
	if r := invoke(t, e, queued(t, `{"view": "`+strings.Repeat("y", 100<<10)+`"}`)); string(r.Payload) != `{"batchItemFailures":[{"itemIdentifier":"m0"}]}` {
		t.Errorf("got %.300s", r)
	}
	failures := 0
	for line := range bytes.Lines([]byte(e.Log())) {
		var entry struct {
			Msg, Error string
			RequestID  string `json:"request_id"`
		}
		if err := json.Unmarshal(line, &entry); err != nil || len(line) > 8<<10 {
			t.Errorf("a line of %d bytes is no JSON: %.200s", len(line), line)
		}
		if entry.Error != "" {
			failures++
			if entry.RequestID == "" {
				t.Errorf("a line does not name its invocation: %s", line)
			}
		}
	}
	if failures != 9 {
		t.Errorf("the log has %d failures", failures)
	}
}

// What is wrong with the environment is a line like any other.
func TestLambda_LogsItsConfigurationAsJSON(t *testing.T) {
	t.Parallel()
	w := lambdaWorld(t)
	for _, tt := range []struct {
		function, env, want string
		exits               bool
	}{
		{"refresh", "REDCACHE_KEEP_RUN=3", "REDCACHE_KEEP_RUN", true},
		{"refresh", "REDCACHE_LOG_LEVEL=loud", "REDCACHE_LOG_LEVEL", true},
		{"refresh", "DATABASE_URL=nonsense", "DATABASE_URL", true},
		{"refresh", "DATABASE_URL=postgres://nobody:wrong@127.0.0.1:1/none", `"hint":"Check host and port`, false},
		{"dispatch", "REDCACHE_CLAIM=soon", "REDCACHE_CLAIM", true},
		{"dispatch", "DATABASE_URL=postgres://nobody:wrong@127.0.0.1:1/none", `"hint":"Check host and port`, false},
	} {
		env := []string{"REDCACHE_QUEUE_URL=http://127.0.0.1:1/queue", tt.env}
		e := w.function(t, tt.function, 10*time.Second, env...)
		if r := invoke(t, e, direct("bi.stream")); r.Exited != tt.exits || !r.Exited && !r.Failed() {
			t.Errorf("%s with %s: got %s", tt.function, tt.env, r)
		}
		for line := range strings.Lines(e.Log()) {
			if !json.Valid([]byte(line)) || strings.Contains(line, "nonsense") || strings.Contains(line, "wrong@") {
				t.Errorf("%s with %s: got %s", tt.function, tt.env, line)
			}
		}
		if !strings.Contains(e.Log(), tt.want) {
			t.Errorf("%s with %s: %s is missing from %s", tt.function, tt.env, tt.want, e.Log())
		}
	}
}

// A function that was told to stop ends. It does not stay to refuse further work.
func TestLambda_EndsWhenItIsToldTo(t *testing.T) {
	t.Parallel()
	w := lambdaWorld(t)
	e := w.function(t, "refresh", 30*time.Second)
	if r := invoke(t, e, direct("bi.stream")); r.Failed() {
		t.Fatal(r)
	}
	if told, ended := e.Shutdown(); !told || !ended {
		t.Errorf("told: %v, ended by itself: %v", told, ended)
	}
	if r := invoke(t, e, direct("bi.stream")); r.Failed() || !r.Cold {
		t.Errorf("got %s, from a new process: %v", r, r.Cold)
	}
}
