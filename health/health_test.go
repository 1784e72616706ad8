package health_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/health"
	"github.com/redcache/redcache/lock"
)

var now = time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) *time.Time {
	at := now.Add(-d)
	return &at
}

func some[T any](value T) *T { return &value }

// sales is a view that is refreshed every five minutes, two minutes ago at last, and may be fifteen minutes old.
func sales(change func(f *health.Facts)) health.Facts {
	v := catalog.View{
		ID: 7, Name: catalog.Name{Schema: "bi", View: "sales"}, Definition: catalog.Defaults(), Link: catalog.Link{Name: "dw"},
		Columns: []catalog.Column{{Name: "id", Type: "bigint"}},
	}
	v.Strategy, v.RefreshEvery, v.MaxAge = catalog.Swap, 5*time.Minute, 15*time.Minute
	f := health.Facts{
		Status: catalog.Status{
			View: v, Generation: some(int32(1)), AsOf: ago(2 * time.Minute), Age: some(2 * time.Minute), NextDue: ago(-3 * time.Minute),
			LastRun: &catalog.Run{State: catalog.Succeeded, StartedAt: *ago(2 * time.Minute), FinishedAt: ago(time.Minute)},
		},
		Scheduled: ago(2 * time.Minute), Now: now,
	}
	change(&f)
	return f
}

func old(f *health.Facts) {
	f.Stale, f.AsOf, f.Age = true, ago(time.Hour), some(time.Hour)
}

// derived is a local view over bi.sales.
func derived(f *health.Facts, input func(*health.Facts)) {
	f.View.Kind, f.View.Link, f.View.Name.View = catalog.LocalSource, catalog.Link{}, "sums"
	f.Inputs = []health.Facts{sales(input)}
}

func failed(ago0 time.Duration, text string) catalog.Run {
	return catalog.Run{State: catalog.Failed, StartedAt: *ago(ago0), FinishedAt: ago(ago0), Error: &text, Hint: some("Grant it.")}
}

var holder = &lock.Holder{PID: 12, Application: "redcache worker host-a", Since: *ago(time.Minute)}

var tests = []struct {
	name     string
	facts    func(f *health.Facts)
	health   health.Health
	cause    health.Cause
	sentence string
	evidence string // one of it
	next     string // a part of it
}{
	{"fresh", func(*health.Facts) {}, health.OK, health.Fresh, "it is fresh", "it is due next at 2026-02-01 12:03:00 UTC", ""},
	{"fresh, due a moment ago", func(f *health.Facts) { f.NextDue = ago(time.Minute) }, health.OK, health.Fresh, "it is fresh", "its rows are as of 2026-02-01 11:58:00 UTC, 2m ago, and it promises at most 15m", ""},
	{"no promise", func(f *health.Facts) { f.View.MaxAge = 0 }, health.OK, health.Fresh, "it is fresh", "its rows are as of 2026-02-01 11:58:00 UTC, 2m ago, and it promises nothing", ""},
	{"its source does not move", func(f *health.Facts) {
		f.LastRun = &catalog.Run{State: catalog.Unchanged, Reason: some("no table was modified")}
		f.Runs = []catalog.Run{{State: catalog.Unchanged}, {State: catalog.Succeeded, AsOf: ago(3 * time.Hour)}, {State: catalog.Succeeded, AsOf: ago(4 * time.Hour)}}
	}, health.OK, health.Unchanged, "it is fresh, and its source has not moved since 2026-02-01 09:00:00 UTC", "no table was modified", ""},
	{"its source does not move, since nobody knows when", func(f *health.Facts) {
		f.LastRun = &catalog.Run{State: catalog.Unchanged}
	}, health.OK, health.Unchanged, "it is fresh, and its source has not moved", "", ""},
	{"too seldom", func(f *health.Facts) {
		old(f)
	}, health.Failed, health.Seldom, "it is refreshed every 5m, which is too seldom or takes too long", "the last refresh took 1m", "lower --every"},
	{"it keeps no rows", func(f *health.Facts) {
		derived(f, func(*health.Facts) {})
		f.View.Strategy, f.View.RefreshEvery, f.NextDue, f.LastRun = catalog.Live, 0, nil, nil
	}, health.OK, health.Rowless, "it keeps no rows, and is as fresh as what it reads", "bi.sales: it is fresh", ""},
	{"it waits for what keeps no rows", func(f *health.Facts) {
		f.View.Kind, f.View.Name.View, f.NextDue, f.Awaited = catalog.LocalSource, "top", ago(2*time.Second), []string{"bi.sums"}
		rowless := sales(func(f *health.Facts) {
			derived(f, old)
			f.View.Strategy, f.View.RefreshEvery, f.NextDue = catalog.Live, 0, nil
		})
		f.Inputs = []health.Facts{rowless}
	}, health.Warning, health.Waiting, "it waits for bi.sums, from which it is computed, since 2026-02-01 11:59:58 UTC", "bi.sales: it is refreshed every 5m", "lower --every"},
	{"what it reads keeps no rows, and shows old ones", func(f *health.Facts) {
		old(f)
		f.View.Kind, f.View.Name.View = catalog.LocalSource, "top"
		rowless := sales(func(f *health.Facts) {
			derived(f, func(f *health.Facts) { old(f); f.View.MaxAge, f.Stale = 0, false })
			old(f)
			f.View.Strategy, f.View.RefreshEvery, f.View.MaxAge, f.Stale, f.NextDue = catalog.Live, 0, 0, false, nil
		})
		f.Inputs = []health.Facts{rowless}
	}, health.Failed, health.Inheriting, "it is computed from bi.sums, which is 1h old", "bi.sales: it is fresh", "`cachectl alter-view bi.sales --every 7m30s`"},
	{"it keeps no rows, and what it reads is old", func(f *health.Facts) {
		derived(f, old)
		old(f)
		f.View.Strategy, f.View.RefreshEvery, f.NextDue, f.LastRun = catalog.Live, 0, nil, nil
	}, health.Failed, health.Inheriting, "it is computed from bi.sales, which is 1h old", "bi.sales: it is refreshed every 5m", "lower --every"},
	{"on demand", func(f *health.Facts) {
		f.View.RefreshEvery, f.View.MaxAge, f.NextDue = 0, 0, nil
	}, health.OK, health.OnDemand, "it has no interval: it is refreshed on demand only", "", ""},
	{"on demand, and nobody demands", func(f *health.Facts) {
		old(f)
		f.View.RefreshEvery, f.NextDue = 0, nil
	}, health.Failed, health.OnDemand, "it has no interval: it is refreshed on demand only", "its rows are as of 2026-02-01 11:00:00 UTC, 1h ago, and it promises at most 15m", "`cachectl alter-view bi.sales --every 5m`, or `cachectl refresh bi.sales`"},
	{"an input is too old", func(f *health.Facts) {
		old(f)
		derived(f, func(in *health.Facts) { in.Age, in.View.MaxAge = some(time.Hour), 0 })
	}, health.Failed, health.Inheriting, "it is computed from bi.sales, which is 1h old", "bi.sales: it is fresh", "`cachectl alter-view bi.sales --every 7m30s`"},
	{"an input is too old, for a reason", func(f *health.Facts) {
		old(f)
		derived(f, func(in *health.Facts) { old(in); in.Failures, in.LastRun = 1, some(failed(time.Minute, "no")) })
	}, health.Failed, health.Inheriting, "it is computed from bi.sales, which is 1h old", "bi.sales: its last refresh failed: no", "Grant it."},
	{"its source is not ready", func(f *health.Facts) {
		f.Status.Unready, f.NextDue, f.View.ReadyWhen = ago(5*time.Minute), ago(-time.Minute), "SELECT done FROM log"
		f.LastRun = &catalog.Run{State: catalog.Skipped, Reason: some("the source is not ready: SELECT done FROM log returned false")}
	}, health.Warning, health.Unready, "its source is not ready since 2026-02-01 11:55:00 UTC: SELECT done FROM log returned false", "it is asked again at 2026-02-01 12:01:00 UTC", "wait, or see on Redshift why; `cachectl alter-view bi.sales --ready-when ''`"},
	{"its source is not ready, on demand, and it had failed before", func(f *health.Facts) {
		old(f)
		f.View.RefreshEvery, f.NextDue, f.Failures, f.Status.Unready = 0, nil, 3, ago(5*time.Minute)
		f.LastRun = &catalog.Run{State: catalog.Skipped, Reason: some("view bi.a of its group is not read: the source is not ready: SELECT 1 returned NULL")}
	}, health.Failed, health.Unready, "its source is not ready since 2026-02-01 11:55:00 UTC: view bi.a of its group is not read: the source is not ready: SELECT 1 returned NULL", "before that, 3 refreshes in a row had failed", "as soon as it is ready, `cachectl refresh bi.sales`; that view without its --ready-when"},
	{"its source was not ready, and nobody asks any more", func(f *health.Facts) {
		f.Scheduled = ago(time.Second)
		f.Status.Unready, f.NextDue, f.LastRun = ago(time.Hour), ago(12*time.Minute), &catalog.Run{State: catalog.Skipped, Reason: some("no")}
	}, health.Warning, health.Unattended, "it is due for 12m, and nobody refreshes it: workers or Lambdas are behind", "", "`cachectl locks`"},
	{"its source is ready, and it fails", func(f *health.Facts) {
		f.Status.Unready, f.Failures, f.LastRun = ago(time.Hour), 1, some(failed(time.Minute, "no"))
	}, health.Warning, health.Failing, "its last refresh failed: no", "", "Grant it."},
	{"it waits for an input whose source is not ready", func(f *health.Facts) {
		f.NextDue, f.Awaited = ago(10*time.Minute), []string{"bi.sales"}
		derived(f, func(in *health.Facts) {
			in.Status.Unready, in.LastRun = ago(5*time.Minute), &catalog.Run{State: catalog.Skipped, Reason: some("the source is not ready: x returned no row")}
		})
	}, health.Warning, health.Waiting, "it waits for bi.sales, from which it is computed, since 2026-02-01 11:50:00 UTC", "bi.sales: its source is not ready since 2026-02-01 11:55:00 UTC: x returned no row", "see on Redshift why"},
	{"never refreshed", func(f *health.Facts) {
		f.Generation, f.AsOf, f.Age = nil, nil, nil
	}, health.Failed, health.Empty, "it was never refreshed: who reads it gets an error", "it has no rows yet, and it promises at most 15m", "`cachectl refresh bi.sales`"},
	{"nobody has ever come", func(f *health.Facts) {
		f.NextDue, f.Scheduled = ago(12*time.Minute), nil
	}, health.Warning, health.Unattended, "it is due for 12m, and nobody refreshes it: no worker or Lambda has begun a refresh yet", "", "start a worker"},
	{"nobody comes any more", func(f *health.Facts) {
		old(f)
		f.NextDue, f.Scheduled = ago(50*time.Minute), ago(time.Hour)
	}, health.Failed, health.Unattended, "it is due for 50m, and nobody refreshes it: no worker or Lambda has begun a refresh since 2026-02-01 11:00:00 UTC", "", "start a worker"},
	{"those who come are behind", func(f *health.Facts) {
		f.NextDue, f.Scheduled = ago(2*time.Minute), ago(time.Second)
	}, health.Warning, health.Unattended, "it is due for 2m, and nobody refreshes it: workers or Lambdas are behind", "", "`cachectl locks`"},
	{"it waits for an input that fails", func(f *health.Facts) {
		f.NextDue, f.Awaited = ago(10*time.Minute), []string{"bi.sales"}
		derived(f, func(in *health.Facts) { in.Failures, in.LastRun = 3, some(failed(time.Minute, "permission denied")) })
	}, health.Warning, health.Waiting, "it waits for bi.sales, from which it is computed, since 2026-02-01 11:50:00 UTC", "bi.sales: its last 3 refreshes failed: permission denied", "Grant it."},
	{"it waits for an input that is fresh, and not fresh enough", func(f *health.Facts) {
		f.NextDue, f.Awaited = ago(time.Second), []string{`bi."sales"`}
		derived(f, func(*health.Facts) {})
	}, health.Warning, health.Waiting, `it waits for bi."sales", from which it is computed, since 2026-02-01 11:59:59 UTC`, "bi.sales: it is fresh", "`cachectl refresh bi.sales`"},
	{"somebody has its lock", func(f *health.Facts) { f.Holder = holder }, health.Warning, health.Held, "it is locked by pid 12 (redcache worker host-a) since 11:59:00 UTC, who does not refresh it", "", "`cachectl locks`"},
	{"a refresh is under way", func(f *health.Facts) {
		f.NextDue, f.Holder, f.Running = ago(2*time.Minute), holder, &catalog.Run{State: catalog.Running, StartedAt: *ago(time.Minute)}
	}, health.OK, health.Refreshing, "a refresh is under way, for 1m", "by pid 12 (redcache worker host-a) since 11:59:00 UTC", "wait"},
	{"a refresh was left behind by a process that is gone", func(f *health.Facts) {
		f.Running = &catalog.Run{State: catalog.Running, StartedAt: *ago(time.Hour)}
	}, health.OK, health.Fresh, "it is fresh", "", ""},
	{"its link rests", func(f *health.Facts) {
		f.NextDue, f.Link = ago(5*time.Minute), catalog.LinkState{RestUntil: ago(-5 * time.Minute), RestReason: some("cluster prod is paused")}
	}, health.Warning, health.Resting, "its link dw rests until 2026-02-01 12:05:00 UTC: cluster prod is paused", "", "`cachectl link test dw`"},
	{"its link has rested", func(f *health.Facts) { f.Link = catalog.LinkState{RestUntil: ago(time.Second)} }, health.OK, health.Fresh, "it is fresh", "", ""},
	{"it fails, always alike", func(f *health.Facts) {
		old(f)
		f.Failures, f.LastRun = 2, some(failed(time.Minute, "permission denied"))
		f.Runs = []catalog.Run{failed(time.Minute, "permission denied"), {State: catalog.Skipped}, failed(9*time.Minute, "permission denied"), {State: catalog.Succeeded}, failed(time.Hour, "other")}
	}, health.Failed, health.Failing, "its last 2 refreshes failed: permission denied", "since 2026-02-01 11:51:00 UTC", "Grant it."},
	{"it fails, each time otherwise", func(f *health.Facts) {
		f.Failures, f.LastRun = 2, some(failed(time.Minute, "disk is full"))
		f.Runs = []catalog.Run{failed(time.Minute, "disk is full"), failed(9*time.Minute, "permission denied")}
	}, health.Warning, health.Failing, "its last 2 refreshes failed, with different faults, at last: disk is full", "the next try is due at 2026-02-01 12:03:00 UTC", "Grant it."},
	{"it has failed, and is tried again", func(f *health.Facts) {
		f.Failures, f.LastRun = 1, &catalog.Run{State: catalog.Failed, StartedAt: *ago(time.Minute)}
		f.Holder, f.Running = holder, &catalog.Run{StartedAt: *ago(5 * time.Second)}
	}, health.Warning, health.Failing, "its last refresh failed", "another try is under way, for 5s", "`cachectl runs bi.sales`"},
	{"it is being changed", func(f *health.Facts) {
		f.Failures, f.Changing = 3, &catalog.PendingSet{Age: 90 * time.Second, Held: true, Application: "cachectl ann@host:1", Views: []catalog.PendingView{{Name: f.View.Name}}}
	}, health.OK, health.Changing, "it is being changed, for 1m30s; readers have the rows of before until that is done", "cachectl ann@host:1 changes bi.sales, for 1m30s", "wait"},
	{"its as-of is of the future", func(f *health.Facts) { f.Stale, f.Age = true, some(-time.Hour) }, health.Failed, health.Ahead, "its as-of is from the future: the clock of the cache database has been set back since", "", "`cachectl refresh bi.sales`"},
	{"somebody has dropped what readers see", func(f *health.Facts) { f.Problem = "somebody has dropped it" }, health.Failed, health.Broken, "readers do not find what is refreshed: somebody has dropped it", "", "`cachectl refresh bi.sales`"},
	{"another version has defined it", func(f *health.Facts) { f.View.Strategy = "window" }, health.Failed, health.Invalid, `it cannot be refreshed: strategy "window" does not exist`, "", "`cachectl alter-view bi.sales`: choose one of"},
}

// Whatever is true of a view, there is one answer, and each cause there is has its example.
func TestOf(t *testing.T) {
	t.Parallel()
	seen := map[health.Cause]bool{}
	for _, tt := range tests {
		got := health.Of(sales(tt.facts))
		seen[got.Cause] = true
		want := health.Verdict{Health: tt.health, Cause: tt.cause, Sentence: tt.sentence, Evidence: got.Evidence, Next: got.Next}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if !strings.Contains("\n"+strings.Join(got.Evidence, "\n")+"\n", "\n"+tt.evidence) {
			t.Errorf("%s: evidence %q, want %q", tt.name, got.Evidence, tt.evidence)
		}
		if (tt.next == "") != (got.Next == "") || !strings.Contains(got.Next, tt.next) {
			t.Errorf("%s: next %q, want %q", tt.name, got.Next, tt.next)
		}
	}
	for _, cause := range health.Causes {
		if !seen[cause] {
			t.Errorf("no example of %s", cause)
		}
	}
}
