package refresh_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// What auto does goes by what its runs before have counted, and stands in the history with the reason.
func TestChoose_GoesByRecentRuns(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE public.large AS SELECT i AS id, 0 AS n FROM generate_series(1, 12000) i")
	v := b.view("large", "SELECT id, n FROM public.large", catalog.Auto)
	v.Key = []string{"id"}
	runner := refresh.NewRunner(b.pool, refresh.Config{SwitchPatience: 1100 * time.Millisecond})
	want := func(run catalog.Run, strategy catalog.Strategy, reason string) {
		t.Helper()
		if run.Strategy != strategy || !strings.Contains(reasonOf(run), reason) {
			t.Errorf("got a %s, for the reason %q; want a %s, for %q", run.Strategy, reasonOf(run), strategy, reason)
		}
		b.wantEqual(t, v)
	}
	next := func() catalog.Run {
		t.Helper()
		return wantState(t, runner, refresh.Request{View: v.Name}, catalog.Succeeded)
	}
	want(b.add(t, v), catalog.Swap, "strategy swap: there is nothing to compare with yet")
	want(next(), catalog.Merge, "strategy merge: no recent refresh has counted")
	b.change(t, "UPDATE public.large SET n = n + 1")
	want(next(), catalog.Merge, "strategy merge: recent refreshes changed 0.0 %")
	b.change(t, "UPDATE public.large SET n = n + 1")
	want(next(), catalog.Swap, "strategy swap: recent refreshes changed 50 %")
	reader := b.longReader(t, v)
	b.change(t, "UPDATE public.large SET n = n + 1 WHERE id = 1")
	want(next(), catalog.Merge, "strategy swap: recent refreshes changed 50 % of the rows; merged, not swapped")
	leave(t, reader)
	want(next(), catalog.Merge, "strategy merge: readers held up a recent switch for 1.")
	run := wantState(t, runner, refresh.Request{View: v.Name, Strategy: catalog.Swap}, catalog.Succeeded)
	if want(run, catalog.Swap, ""); run.Reason != nil {
		t.Errorf("the reason for what was asked for is %q", *run.Reason)
	}
	b.wantNothingLeft(t)
}
