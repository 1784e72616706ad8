package refresh_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/awssim"
	"github.com/redcache/redcache/internal/redshiftsim"
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
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		for _, transport := range []catalog.Transport{catalog.DblinkTransport, catalog.StreamTransport} {
			if transport == catalog.StreamTransport && (catalog.Definition{Strategy: strategy}).Materialized() {
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
		v.Transport = transport
		lookBack(&v, "1d")
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
		v.Transport = transport
		lookBack(&v, "1d")
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
