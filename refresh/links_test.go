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
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/awssim"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/refresh"
)

const (
	issue    = "redshift:GetClusterCredentials"
	describe = "redshift:DescribeClusters"
)

// managed is a bundle whose link AWS keeps: a login that ends, and a private address under a certificate for the name.
type managed struct {
	*bundle
	aws     *awssim.AWS
	cluster *awssim.Cluster
}

func setupManaged(t *testing.T) *managed {
	t.Helper()
	b := &managed{bundle: setup(t, salesSQL...), aws: awssim.Start(t)}
	b.cluster = b.aws.Cluster("prod", b.source.Server)
	keeper := access.NewKeeper(b.pool, b.aws.Client(), access.Config{
		Poll: infra.Backoff{Base: 50 * time.Millisecond, Max: 50 * time.Millisecond},
	})
	var err error
	b.link, err = keeper.Provision(t.Context(), catalog.Link{
		Name: "prod", Database: b.source.Name, User: redshiftsim.User, MaxConcurrency: 4,
		Credentials: catalog.ClusterCredentials, Cluster: "prod", Address: catalog.PrivateAddress,
		SSLMode: "verify-full", SSLRootCert: b.source.CACert(),
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	b.runner = refresh.NewRunner(b.pool, refresh.Config{Backoff: quick, Links: keeper})
	b.definer = refresh.NewDefiner(b.pool, b.runner)
	return b
}

// inEveryWay runs a test for every strategy by dblink, and for those that can by stream.
func inEveryWay(t *testing.T, test func(t *testing.T, strategy catalog.Strategy, transport catalog.Transport)) {
	t.Helper()
	for _, strategy := range catalog.Strategies {
		for _, transport := range []catalog.Transport{catalog.DblinkTransport, catalog.StreamTransport} {
			if transport == catalog.StreamTransport && (catalog.View{Strategy: strategy}).Materialized() {
				continue
			}
			t.Run(string(strategy)+" by "+string(transport), func(t *testing.T) {
				t.Parallel()
				test(t, strategy, transport)
			})
		}
	}
}

// refuse makes the password unusable; the catalog only knows of it when it is said to end.
func (b *managed) refuse(t *testing.T, known bool) {
	t.Helper()
	b.source.ExpirePassword("IAM:" + redshiftsim.User)
	if known {
		b.exec(t, `UPDATE redcache.link_state SET renewed_at = renewed_at - interval '1 hour', expires_at = clock_timestamp()`)
	}
}

func (b *managed) exec(t *testing.T, sql string) {
	t.Helper()
	if _, err := b.pool.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (b *managed) sell(t *testing.T) {
	t.Helper()
	b.change(t, `INSERT INTO public.sales SELECT max(id) + 1, 'later', 1, NULL, max(updated_at) FROM public.sales`)
}

// wantRun refreshes the view after a sale, in so many transactions.
func (b *managed) wantRun(t *testing.T, v catalog.View, attempts int) {
	t.Helper()
	b.sell(t)
	run := b.refresh(t, refresh.Request{View: v.Name})
	if run.Attempts != attempts {
		t.Errorf("it took %d attempts, want %d", run.Attempts, attempts)
	}
	b.wantEqual(t, v)
	b.wantNothingLeft(t)
}

func (b *managed) wantAsked(t *testing.T, action string, times int) {
	t.Helper()
	if n := b.aws.Count(action); n != times {
		t.Errorf("AWS was asked for %s %d times, want %d", action, n, times)
	}
}

// A password that has ended is renewed before it is used, and the transaction that began before sees the new one. One
// that is refused although it should be good costs one more transaction.
func TestLinks_LoginIsRenewed(t *testing.T) {
	t.Parallel()
	inEveryWay(t, func(t *testing.T, strategy catalog.Strategy, transport catalog.Transport) {
		b := setupManaged(t)
		v := b.salesView(strategy)
		v.Transport, v.Lookback = transport, "1d"
		b.refuse(t, true)
		b.add(t, v) // reads the columns, which takes a session of its own
		b.wantAsked(t, issue, 2)
		b.refuse(t, true)
		b.wantRun(t, v, 1)
		b.wantAsked(t, issue, 3)
		b.refuse(t, false)
		b.wantRun(t, v, 2)
		b.wantAsked(t, issue, 4)
		b.wantRun(t, v, 1)
		b.wantAsked(t, issue, 4)
	})
}

// A login that is refused although it is new is not renewed for ever.
func TestLinks_LoginIsRenewedOnceOnly(t *testing.T) {
	t.Parallel()
	for _, transport := range []catalog.Transport{catalog.DblinkTransport, catalog.StreamTransport, catalog.AutoTransport} {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			b := setupManaged(t)
			v := b.salesView(catalog.Merge)
			v.Transport = transport
			b.add(t, v)
			b.cluster.Set(func(d *awssim.Description) { d.Users = nil }) // AWS goes on issuing, in vain
			for i, known := range []bool{false, true, false} {
				b.refuse(t, known)
				run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
				if err == nil || run.State != catalog.Failed || !strings.Contains(err.Error(), "renewed, and is refused again") ||
					!strings.Contains(infra.Hint(err), "CREATE USER") || run.Attempts != 2 {
					t.Errorf("got %s after %d attempts: %v\nhint: %s", run.State, run.Attempts, err, infra.Hint(err))
				}
				b.wantAsked(t, issue, 2+i)
			}
			b.cluster.Set(func(d *awssim.Description) { d.Users = []string{redshiftsim.User} })
			b.wantRun(t, v, 2)
			b.aws.Deny(issue)
			b.refuse(t, false)
			run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
			if err == nil || run.Attempts != 1 || !strings.Contains(err.Error(), "access denied") || infra.Hint(err) == "" {
				t.Errorf("got %s after %d attempts: %v", run.State, run.Attempts, err)
			}
		})
	}
}

// A cluster that has moved costs one more transaction when it has just been looked up, and none otherwise.
func TestLinks_ClusterIsFollowed(t *testing.T) {
	t.Parallel()
	inEveryWay(t, func(t *testing.T, strategy catalog.Strategy, transport catalog.Transport) {
		b := setupManaged(t)
		v := b.salesView(strategy)
		v.Transport, v.Lookback = transport, "1d"
		b.add(t, v)
		for i, known := range []bool{false, true} {
			if err := b.source.MoveTo(t.Context(), "127.0.1."+strconv.Itoa(1+i)); err != nil {
				t.Fatal(err)
			}
			if known {
				b.exec(t, `UPDATE redcache.link_state SET resolved_at = resolved_at - interval '1 minute'`)
			}
			b.wantRun(t, v, 2-i)
		}
		if err := b.source.Move(t.Context()); err != nil { // to another port
			t.Fatal(err)
		}
		b.wantRun(t, v, 2)
		b.wantAsked(t, describe, 4)
	})
}

// A process that reaches Redshift itself goes on doing so after a move.
func TestLinks_AutoGoesOnStreaming(t *testing.T) {
	t.Parallel()
	b := setupManaged(t)
	v := b.salesView(catalog.Swap)
	b.add(t, v)
	if err := b.source.MoveTo(t.Context(), "127.0.1.9"); err != nil {
		t.Fatal(err)
	}
	run := b.refresh(t, refresh.Request{View: v.Name})
	if *run.Transport != catalog.StreamTransport || run.Attempts != 2 {
		t.Errorf("by %s after %d attempts, want stream after 2", *run.Transport, run.Attempts)
	}
}

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

// A lookup that fails keeps nobody from refreshing, as long as the link works.
func TestLinks_AWSIsNotNeededForAWorkingLink(t *testing.T) {
	t.Parallel()
	b := setupManaged(t)
	v := b.salesView(catalog.Merge)
	b.add(t, v)
	b.aws.Close()
	b.exec(t, `UPDATE redcache.link_state SET resolved_at = resolved_at - interval '1 hour',
		renewed_at = renewed_at - interval '1 hour', expires_at = clock_timestamp() + interval '1 minute'`)
	b.wantRun(t, v, 1)
}
