package schedule_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redcache/redcache/schedule"
)

// A loop with nothing to do cleans up all the same, once a minute; that it cannot is no reason not to refresh.
func TestLoop_CleansUpWithNothingDue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	begun := time.Now()
	var minutes, turns atomic.Int64
	cleaned := make(chan struct{}, 100)
	b.run(t, schedule.Config{
		Now: func() time.Time {
			turns.Add(1)
			return begun.Add(time.Duration(minutes.Load()) * time.Minute)
		},
		CleanUp: func(context.Context) error {
			cleaned <- struct{}{}
			return errors.New("somebody is in the way")
		},
	})
	for range 3 {
		select {
		case <-cleaned:
		case <-time.After(patience):
			t.Fatal("nobody cleans up")
		}
		enough := turns.Load() + 10
		await(t, "turns that could clean up once too often", func() bool { return turns.Load() >= enough })
		if more := len(cleaned); more > 0 {
			t.Fatalf("cleaned up %d times more within the minute", more)
		}
		minutes.Add(1)
	}
	b.awaitLog(t, "what was left behind could not be dropped")
	b.addLink(t, "a", 1, "1 minute")
	b.fake.await(t, 1)
}
