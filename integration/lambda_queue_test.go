package integration_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/awssim"
	"github.com/redcache/redcache/internal/lambdatest"
	"github.com/redcache/redcache/internal/pgtest"
)

// fleet is a world whose views are refreshed by functions: dispatchers, a queue with its dead letters, refreshers.
type fleet struct {
	*world
	aws         *awssim.AWS
	queue, dead *awssim.Queue
	dispatchers []*lambdatest.Environment
	refreshers  []*lambdatest.Environment
}

func newFleet(t *testing.T, w *world, dispatchers, refreshers int, cfg awssim.QueueConfig) *fleet {
	t.Helper()
	f := &fleet{world: w, aws: awssim.Start(t)}
	f.dead = f.aws.Queue("dead-letters", awssim.QueueConfig{})
	cfg.MaxReceives, cfg.DeadLetters = 3, f.dead
	f.queue = f.aws.Queue("refresh", cfg)
	env := append(f.aws.Env(), "REDCACHE_CACHE=test")
	for n := range dispatchers {
		name := fmt.Sprint("REDCACHE_APPLICATION=redcache lambda dispatch ", n)
		f.dispatchers = append(f.dispatchers,
			w.function(t, "dispatch", time.Minute, slices.Concat(env, []string{name, "REDCACHE_QUEUE_URL=" + f.queue.URL})...))
	}
	for n := range refreshers {
		name := fmt.Sprint("REDCACHE_APPLICATION=redcache lambda refresh ", n)
		f.refreshers = append(f.refreshers, w.function(t, "refresh", time.Minute, slices.Concat(env, []string{name})...))
	}
	return f
}

// start hands messages to the refreshers.
func (f *fleet) start(t *testing.T) (m *lambdatest.Mapping, stop func()) {
	t.Helper()
	return lambdatest.Map(t, lambdatest.NewSQS(f.aws.Env()), f.queue.URL, f.refreshers...)
}

// drain waits until all messages are done with.
func (f *fleet) drain(t *testing.T) {
	t.Helper()
	eventually(t, patience, func() error {
		if left := f.queue.Bodies(); len(left) > 0 {
			return fmt.Errorf("left in the queue: %q", left)
		}
		return nil
	})
}

// wantMetrics wants each function to have written values of these names, and nothing that CloudWatch does not understand.
func wantMetrics(t *testing.T, e *lambdatest.Environment, want map[string]string) {
	t.Helper()
	units := map[string]string{}
	for _, m := range lambdatest.Metrics(t, e.Stdout()) {
		units[m.Name] = m.Unit + " by " + strings.Join(m.Sets[len(m.Sets)-1], " and ")
		if m.Namespace != "Redcache" || m.Dimensions["Cache"] != "test" || time.Since(m.Time) > time.Hour || len(m.Sets[0]) != 1 {
			t.Errorf("got %+v", m)
		}
	}
	for name, unit := range want {
		if units[name] != unit {
			t.Errorf("metric %s is in %q, want %q", name, units[name], unit)
		}
	}
	for name := range units {
		if want[name] == "" {
			t.Errorf("metric %s is not expected", name)
		}
	}
}

func TestLambda_RefreshesWhatIsDue(t *testing.T) {
	t.Parallel()
	f := newFleet(t, lambdaWorld(t), 1, 2, awssim.QueueConfig{})
	mapping, stop := f.start(t)
	f.slowDown(t)
	f.change(t, quickSource)
	eventually(t, patience, func() error {
		if r := invoke(t, f.dispatchers[0], []byte(`{"source": "aws.scheduler"}`)); r.Failed() {
			t.Fatal(r)
		}
		for view := range lambdaViews {
			if last := f.lastRun(t, view); last.Origin != "lambda" || last.State != "succeeded" {
				return errors.New(view + " is not refreshed")
			}
		}
		return nil
	})
	f.drain(t)
	stop()
	for view := range lambdaViews {
		f.wantEqual(t, view, itemQuery)
	}
	for _, r := range mapping.Results() {
		if r.Failed() {
			t.Error(r)
		}
	}
	if dead := f.dead.Bodies(); len(dead) > 0 {
		t.Errorf("dead letters: %q", dead)
	}
	f.wantNothingLeftByTheNextRun(t)
	wantMetrics(t, f.dispatchers[0], map[string]string{
		"AgeSeconds": "Seconds by Cache and View",
		"StaleViews": "Count by Cache", "DueViews": "Count by Cache", "QueuedViews": "Count by Cache",
		"LinkSessions": "Count by Cache and Link", "CredentialAgeSeconds": "Seconds by Cache and Link",
	})
	for _, e := range f.refreshers {
		if len(e.Stdout()) == 0 {
			continue // the other one did it all
		}
		want := map[string]string{"RefreshSeconds": "Seconds by Cache and View"}
		for _, name := range []string{"Succeeded", "Unchanged", "Skipped", "Failed", "RowsRead", "RowsWritten"} {
			want[name] = "Count by Cache and View"
		}
		if strings.Contains(string(e.Stdout()), "BytesRead") { // by stream
			want["BytesRead"] = "Bytes by Cache and View"
		}
		wantMetrics(t, e, want)
	}
}

// Messages that come late, twice, in an older form, or for views that are gone are done with. Those that nobody here can
// understand end where people look.
func TestLambda_ForgivesMessages(t *testing.T) {
	t.Parallel()
	f := newFleet(t, lambdaWorld(t), 0, 2, awssim.QueueConfig{Visibility: 2 * time.Second, Duplicates: 0.5})
	f.cachectl(t, "alter-view", "bi.stream", "--every", "1h")
	f.cachectl(t, "refresh", "bi.stream") // which is no longer due then
	f.awaitDue(t, "bi.dblink")
	before := f.lastRun(t, "bi.stream").ID
	late := time.Now().Add(-48 * time.Hour).UTC().Format(time.RFC3339)
	unread := []string{`junk`, `{"version": 2, "view": "bi.dblink", "windows": []}`, `{"version": 1}`}
	for _, body := range append([]string{
		`{"version": 1, "view": "bi.dblink"}`, `{"version": 1, "view": "bi.dblink"}`, `{"view": "bi.dblink"}`,
		`{"version": 1, "view": "bi.stream", "sent": "` + late + `"}`,
		`{"version": 1, "view": "bi.gone", "sent": "` + late + `"}`,
	}, unread...) {
		f.queue.Send(body)
	}
	_, stop := f.start(t)
	f.drain(t)
	stop()
	dead := f.dead.Bodies()
	slices.Sort(dead)
	slices.Sort(unread)
	if dead = slices.Compact(dead); !slices.Equal(dead, unread) {
		t.Errorf("dead letters: %q, want %q", dead, unread)
	}
	// Two copies of a message at once: the one that finds the view locked says so, and looks no further.
	for _, run := range f.runs(t, before) {
		if run.View == "bi.stream" && run.State != "skipped" {
			t.Errorf("a view was refreshed that was not due: %+v", run)
		}
	}
	if last := f.lastRun(t, "bi.dblink"); last.Origin != "lambda" {
		t.Errorf("the view that was due has its last run from %s", last.Origin)
	}
	f.wantNothingLeft(t)
}

// A login that AWS issues is renewed by whoever needs it: here it ends between the moment when the link was made and the
// first refresh, and no function was told.
func TestLambda_RenewsLogins(t *testing.T) {
	t.Parallel()
	w := unlinkedWorld(t, pgtest.Config{}, fmt.Sprintf(`
		CREATE TABLE public.item AS
		SELECT id, 0 AS batch, CAST('x' AS varchar(100)) AS note, now() AT TIME ZONE 'UTC' AS updated_at
		FROM generate_series(1, %d) id`, items), quickSource)
	f := newFleet(t, w, 1, 1, awssim.QueueConfig{})
	f.aws.Cluster("prod", w.source).Set(func(d *awssim.Description) { d.Users = []string{login} })
	w.cachectl(t, "init")
	run := func(args ...string) {
		p := w.start(t, f.aws.Env(), "cachectl", args...)
		if code := p.wait(t, time.Minute); code != 0 {
			t.Fatalf("cachectl %q: %s", args, p.stderr.String())
		}
	}
	run("link", "add", "dw", "--cluster", "prod", "--db-user", login, "--database", w.sourceDB)
	for view, transport := range lambdaViews {
		run("add-view", view, "--link", "dw", "--query", "SELECT * FROM public.source", "--strategy", "merge", "--key", "id",
			"--transport", transport, "--no-data")
		w.source.ExpirePassword("IAM:" + login)
		asked := f.aws.Count("redshift:GetClusterCredentials")
		if r := invoke(t, f.refreshers[0], direct(view)); r.Failed() {
			t.Error(r)
		}
		if again := f.aws.Count("redshift:GetClusterCredentials") - asked; again != 1 {
			t.Errorf("%s: AWS was asked for a login %d times, want once", view, again)
		}
		w.wantEqual(t, view, itemQuery)
	}
	if r := invoke(t, f.dispatchers[0], []byte(`{}`)); r.Failed() {
		t.Error(r)
	}
	left := 0.0
	for _, m := range lambdatest.Metrics(t, f.dispatchers[0].Stdout()) {
		if m.Name == "CredentialLeftSeconds" && m.Dimensions["Link"] == "dw" {
			left = m.Value
		}
	}
	if left < 60 || left > 3600 {
		t.Errorf("the login is said to end in %g seconds", left)
	}
	for _, password := range f.aws.Issued() {
		for _, e := range append(f.dispatchers, f.refreshers...) {
			if strings.Contains(e.Log()+string(e.Stdout()), password) {
				t.Error("a function has written a password")
			}
		}
	}
	w.wantNothingLeft(t)
}

// A failed refresh is in the history, and the catalog knows when to try again: its message is done with.
func TestLambda_LeavesFailuresToTheSchedule(t *testing.T) {
	t.Parallel()
	f := newFleet(t, lambdaWorld(t), 1, 1, awssim.QueueConfig{Visibility: time.Second})
	f.change(t, `DROP VIEW public.source`)
	_, stop := f.start(t)
	for view := range lambdaViews {
		f.awaitDue(t, view)
	}
	invoke(t, f.dispatchers[0], []byte(`{}`))
	eventually(t, patience, func() error {
		for view := range lambdaViews {
			if last := f.lastRun(t, view); last.State != "failed" || !strings.Contains(text(last.Error), "does not exist") {
				return errors.New(view + " has not failed")
			}
		}
		if left := f.queue.Bodies(); len(left) > 0 {
			return fmt.Errorf("left in the queue: %q", left)
		}
		return f.wantCount(t, `SELECT FROM redcache.state WHERE queued_until IS NOT NULL`, 0)
	})
	stop()
	if !strings.Contains(string(f.refreshers[0].Stdout()), `"Failed":1`) {
		t.Errorf("no metric tells of it: %s", f.refreshers[0].Stdout())
	}
	if dead := f.dead.Bodies(); len(dead) > 0 {
		t.Errorf("dead letters: %q", dead)
	}
	r := invoke(t, f.refreshers[0], direct("bi.stream"))
	if !strings.Contains(r.Error, "refresh view bi.stream") || !strings.Contains(r.Error, "does not exist") {
		t.Errorf("got %s", r)
	}
	f.wantNothingLeft(t)
}
