package refresh_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/awssim"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/refresh"
)

// door stands where a cluster was, and counts who knocks.
type door struct {
	net.Listener
	knocks atomic.Int64
}

func (b *managed) pause(t *testing.T, status string) *door {
	t.Helper()
	b.source.Pause()
	b.cluster.Set(func(d *awssim.Description) { d.Status = status })
	listener, err := net.Listen("tcp", net.JoinHostPort(b.source.Host(), strconv.Itoa(b.source.Port())))
	if err != nil {
		t.Fatal(err)
	}
	d := &door{Listener: listener}
	t.Cleanup(func() { _ = listener.Close() }) // may be closed already
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			d.knocks.Add(1)
			_ = conn.Close()
		}
	}()
	return d
}

func (b *managed) resume(t *testing.T, d *door) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.source.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.cluster.Set(func(d *awssim.Description) { d.Status = "available" })
}

// A paused cluster fails the first refresh at once, and keeps the others from trying: none of its views is due for a
// minute, and who asks for a refresh nevertheless is told without a knock at its door.
func TestLinks_PausedClusterIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := setupManaged(t)
	views := make([]catalog.View, 3)
	for i := range views {
		views[i] = b.salesView(catalog.Merge)
		views[i].Name.View += strconv.Itoa(i)
		views[i].Transport, views[i].RefreshEvery = catalog.DblinkTransport, time.Second
		b.add(t, views[i])
	}
	b.wantAsked(t, describe, 1)
	d := b.pause(t, "paused")
	for range 3 {
		for _, v := range views {
			run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
			if !errors.As(err, new(*access.UnavailableError)) || run.State != catalog.Failed || run.Attempts != 1 {
				t.Errorf("got %s after %d attempts, %v", run.State, run.Attempts, err)
			}
			if run.Error == nil || !strings.Contains(*run.Error, "cluster prod is paused") || run.Hint == nil ||
				!strings.Contains(*run.Hint, "resume-cluster") {
				t.Errorf("the history has %v and %v", run.Error, run.Hint)
			}
		}
	}
	b.exec(t, `UPDATE redcache.state SET next_due = clock_timestamp() - interval '1 minute'`)
	due, err := b.store.Due(t.Context(), nil, 10)
	if err != nil || len(due) != 0 {
		t.Errorf("due while the link rests: %v, %v", due, err)
	}
	if n := d.knocks.Load(); n != 1 {
		t.Errorf("%d knocks at the door, want 1", n)
	}
	b.wantAsked(t, describe, 2)

	b.exec(t, `UPDATE redcache.link_state SET rest_until = clock_timestamp() WHERE rest_until IS NOT NULL`) // a minute later
	if due, err = b.store.Due(t.Context(), nil, 10); err != nil || len(due) != len(views) {
		t.Errorf("due after the rest: %v, %v", due, err)
	}
	if _, err := b.runner.Refresh(t.Context(), refresh.Request{View: views[0].Name}); !errors.As(err, new(*access.UnavailableError)) {
		t.Errorf("after the rest: %v", err)
	}
	b.wantAsked(t, describe, 3)
	if n := d.knocks.Load(); n != 1 {
		t.Errorf("%d knocks at the door, want 1", n)
	}

	b.resume(t, d)
	b.exec(t, `UPDATE redcache.link_state SET rest_until = clock_timestamp() WHERE rest_until IS NOT NULL`)
	for _, v := range views {
		b.wantRun(t, v, 1)
	}
	state, err := b.store.LinkState(t.Context(), b.link.ID)
	if err != nil || state.RestUntil != nil {
		t.Errorf("the link rests until %v, %v", state.RestUntil, err)
	}
}

// A cluster that reboots is waited for, without a lock or a transaction, and the refresh goes on when it is back.
func TestLinks_RebootingClusterIsAwaited(t *testing.T) {
	t.Parallel()
	for _, transport := range []catalog.Transport{catalog.DblinkTransport, catalog.StreamTransport} {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			b := setupManaged(t)
			v := b.salesView(catalog.Merge)
			v.Transport = transport
			b.add(t, v)
			d := b.pause(t, "rebooting")
			b.sell(t)
			done := b.inBackground(t.Context(), v)
			b.awaitWait(t)
			b.resume(t, d)
			if err := <-done; err != nil {
				t.Error(err)
			}
			b.wantEqual(t, v)
			b.wantNothingLeft(t)
			if n := d.knocks.Load(); n != 1 {
				t.Errorf("%d knocks at the door, want 1", n)
			}

			d = b.pause(t, "rebooting")
			ctx, cancel := context.WithCancel(t.Context())
			done = b.inBackground(ctx, v)
			b.awaitWait(t)
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
			b.resume(t, d)
			b.refresh(t, refresh.Request{View: v.Name})
			b.wantEqual(t, v)
			b.wantNothingLeft(t)
		})
	}
}

func (b *managed) inBackground(ctx context.Context, v catalog.View) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := b.runner.Refresh(ctx, refresh.Request{View: v.Name})
		done <- err
	}()
	return done
}

// awaitWait returns when a refresh waits for the cluster, and makes sure that it holds nothing meanwhile.
func (b *managed) awaitWait(t *testing.T) {
	t.Helper()
	asked := b.aws.Count(describe)
	eventually(t, func() error {
		if b.aws.Count(describe) < asked+3 {
			return errors.New("nobody looks at the cluster again and again")
		}
		return nil
	})
	held, err := lock.List(t.Context(), b.pool)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range held {
		if h.Kind != lock.KindLogin { // somebody is just looking
			t.Errorf("while it waits for the cluster, a refresh holds %+v", h)
		}
	}
}
