package schedule_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/schedule"
)

func TestLoop_LetsRunningRefreshesFinish(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addLink(t, "a", 10, "1 hour")
	release := make(chan struct{})
	var cancelled atomic.Int32
	b.fake.on("a", func(ctx context.Context) (catalog.Run, error) {
		select {
		case <-release:
			return ended(catalog.Succeeded), nil
		case <-ctx.Done():
			cancelled.Add(1)
			return ended(catalog.Canceled), ctx.Err()
		}
	})
	stop := b.run(t, schedule.Config{Concurrency: 3, StopGrace: patience})
	b.fake.await(t, 3)
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	b.awaitLog(t, "stopping once running refreshes have ended")
	close(release)
	<-stopped
	if cancelled.Load() != 0 {
		t.Errorf("%d refreshes were cancelled within the grace", cancelled.Load())
	}
	select {
	case name := <-b.fake.begun:
		t.Errorf("%s began after the stop", name)
	default:
	}
}

func TestLoop_CancelsWhatOutlastsTheGrace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addLink(t, "a", 3, "1 hour")
	causes := make(chan error, 3)
	b.fake.on("a", func(ctx context.Context) (catalog.Run, error) {
		run, err := untilCancelled(ctx)
		causes <- err
		return run, err
	})
	stop := b.run(t, schedule.Config{Concurrency: 3, StopGrace: 20 * time.Millisecond})
	b.fake.await(t, 3)
	stop()
	if len(causes) != 3 {
		t.Fatalf("the loop ended before %d of 3 refreshes", 3-len(causes))
	}
	for range 3 {
		if err := <-causes; !errors.Is(err, schedule.ErrStopped) {
			t.Errorf("got cause %v, want ErrStopped", err)
		}
	}
}

// Not parallel: it looks at the goroutines of the whole process.
func TestLoop_LeavesNoGoroutine(t *testing.T) {
	b := setup(t)
	b.addLink(t, "a", 5, "1 hour")
	b.addLink(t, "b", 5, "1 hour")
	b.fake.on("a", untilCancelled)
	b.fake.on("b.v1", func(context.Context) (catalog.Run, error) { panic("boom") })
	before := goleak.IgnoreCurrent()
	stop := b.run(t, schedule.Config{StopGrace: time.Millisecond})
	names := b.fake.await(t, 20)
	stop()
	b.pool.Close()
	goleak.VerifyNone(t, before)
	if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, "b.") }) {
		t.Errorf("only %v began", names)
	}
}
