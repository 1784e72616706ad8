package infra_test

import (
	"context"
	"testing"
	"time"

	"github.com/redcache/redcache/infra"
)

// However many steps of a clean-up use up their time, there is some left for the next, and all are over before the end.
func TestGrace_LeavesSomethingForTheNextStep(t *testing.T) {
	t.Parallel()
	end := time.Now().Add(400 * time.Millisecond)
	ctx, cancel := context.WithCancel(infra.WithEnd(t.Context(), end))
	cancel()
	for step := range 6 {
		ending, done := infra.Ending(ctx, time.Minute)
		if ending.Err() != nil {
			t.Errorf("step %d had no time", step)
		}
		<-ending.Done()
		done()
	}
	if late := time.Since(end); late > 50*time.Millisecond { // by which a timer of a machine that does much else may be late
		t.Errorf("six steps ended %s after the end", late)
	}
}

func TestGrace_IsTheLimitWhereNothingEndsSooner(t *testing.T) {
	t.Parallel()
	later := time.Now().Add(time.Hour)
	for name, ctx := range map[string]context.Context{
		"no end": t.Context(), "an end far off": infra.WithEnd(t.Context(), later),
	} {
		if got := infra.Grace(ctx, time.Second); got != time.Second {
			t.Errorf("%s: got %s", name, got)
		}
	}
	if got := infra.Grace(infra.WithEnd(t.Context(), time.Now().Add(-time.Hour)), time.Second); got != time.Millisecond {
		t.Errorf("an end that has passed: got %s; no time at all would be no limit for some", got)
	}
}

// An end can be brought nearer, never be put off.
func TestWithEnd_KeepsTheEarlier(t *testing.T) {
	t.Parallel()
	near, far := time.Now().Add(time.Second), time.Now().Add(time.Hour)
	for _, ctx := range []context.Context{
		infra.WithEnd(infra.WithEnd(t.Context(), near), far), infra.WithEnd(infra.WithEnd(t.Context(), far), near),
	} {
		if end, ok := infra.End(ctx); !ok || !end.Equal(near) {
			t.Errorf("got %s", end)
		}
	}
}
