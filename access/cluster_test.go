package access_test

import (
	"context"
	"testing"
	"time"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/awssim"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// forget makes AWS issue logins that do not work.
func forget(d *awssim.Description) { d.Users = nil }

func status(s string) func(*awssim.Description) { return func(d *awssim.Description) { d.Status = s } }

// A cluster that somebody stopped makes its link rest. Nobody asks AWS, or knocks at its door, until the rest is over,
// and then one does for all; once it is back, so is the link.
func TestReady_LeavesAPausedClusterInPeace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.provision(t, b.private())
	b.cluster.Set(status("paused"))
	again, err := b.keeper.Repair(t.Context(), l, b.state(t, l).Now, unreachable)
	if again {
		t.Error("there is nothing to try again")
	}
	wantUnavailable(t, err, "cluster prod is paused", false)
	b.wantAsked(t, describeClusters, 2)
	keepers := []*access.Keeper{b.keeper, b.another(t, quick), b.another(t, quick)}
	all := func(check func(err error)) {
		for range 3 {
			for _, keeper := range keepers {
				check(keeper.Ready(t.Context(), l))
			}
		}
	}
	paused := func(err error) { wantUnavailable(t, err, "cluster prod is paused", false) }
	all(paused)
	if again, err := b.keeper.Repair(t.Context(), l, b.state(t, l).Now, unreachable); again || err == nil {
		t.Errorf("Repair: %v, %v", again, err)
	}
	b.wantAsked(t, describeClusters, 2)
	b.endRest(t)
	all(paused)
	b.wantAsked(t, describeClusters, 3)
	b.cluster.Set(status("available"))
	all(paused)
	b.endRest(t)
	all(func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
	b.wantAsked(t, describeClusters, 4)
	if s := b.state(t, l); s.RestUntil != nil || s.RestReason != nil {
		t.Errorf("the link still rests until %v because %v", s.RestUntil, s.RestReason)
	}
	b.wantWorks(t, l)
}

func (b *bundle) endRest(t *testing.T) {
	t.Helper()
	b.exec(t, `UPDATE redcache.link_state SET rest_until = clock_timestamp()`)
}

// Whoever asks by hand gets an answer of now, not of a minute ago.
func TestResolve_AsksAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.provision(t, b.private())
	b.cluster.Set(status("paused"))
	_, err := b.keeper.Resolve(t.Context(), l)
	wantUnavailable(t, err, "cluster prod is paused", false)
	b.cluster.Set(status("available"))
	if err := b.source.MoveTo(t.Context(), "127.0.0.5"); err != nil {
		t.Fatal(err)
	}
	now, err := b.keeper.Resolve(t.Context(), l)
	if err != nil || now.HostAddr != "127.0.0.5" {
		t.Errorf("got %s, %v", now.HostAddr, err)
	}
	if s := b.state(t, l); s.RestUntil != nil {
		t.Error("the link rests although its cluster is back")
	}
	b.wantWorks(t, l)
}

// A cluster that comes back by itself is waited for, by all together.
func TestRepair_AwaitsAClusterThatComesBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.provision(t, b.private())
	b.cluster.Set(status("rebooting"))
	b.exec(t, `UPDATE redcache.link_state SET resolved_at = resolved_at - interval '1 hour'`)
	ready := b.keeper.Ready(t.Context(), l)
	wantUnavailable(t, ready, "cluster prod is rebooting", true)
	since := b.state(t, l).Now
	results := make(chan error, 4)
	begin := time.Now()
	for i := range cap(results) {
		keeper, cause := b.another(t, quick), ready
		if i%2 == 1 {
			cause = unreachable
		}
		go func() {
			again, err := keeper.Repair(t.Context(), l, since, cause)
			if err == nil && !again {
				t.Error("not worth trying again")
			}
			results <- err
		}()
	}
	eventually(t, "they look again and again", func(context.Context) bool { return b.aws.Count(describeClusters) >= 5 })
	// A look each 50 ms, spread by a quarter, is what one of them would do.
	if most := 3 + int(time.Since(begin)/(37*time.Millisecond)); b.aws.Count(describeClusters) > most {
		t.Errorf("AWS was asked %d times, want %d at most", b.aws.Count(describeClusters), most)
	}
	if len(results) > 0 {
		t.Fatalf("somebody did not wait: %v", <-results)
	}
	b.cluster.Set(status("available"))
	for range cap(results) {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	b.wantWorks(t, l)
}

// Nobody waits for ever: then the link rests. A cluster that turns out to be stopped is not waited for.
func TestRepair_GivesUpWaiting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.provision(t, b.private())
	impatient := quick
	impatient.Patience = 200 * time.Millisecond
	b.cluster.Set(status("resizing"))
	_, err := b.another(t, impatient).Repair(t.Context(), l, b.state(t, l).Now, unreachable)
	wantUnavailable(t, err, "cluster prod is resizing for longer than a refresh waits", false)
	wantUnavailable(t, b.keeper.Ready(t.Context(), l), "cluster prod is resizing for longer than a refresh waits", false)

	b.endRest(t)
	result := make(chan error, 1)
	asked := b.aws.Count(describeClusters)
	go func() {
		_, err := b.keeper.Repair(t.Context(), l, b.state(t, l).Now, unreachable)
		result <- err
	}()
	eventually(t, "somebody looks", func(context.Context) bool { return b.aws.Count(describeClusters) > asked })
	b.cluster.Set(status("paused"))
	wantUnavailable(t, <-result, "cluster prod is paused", false)
}

func TestProvision_RefusesAClusterThatIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cluster.Set(status("paused"))
	_, err := b.keeper.Provision(t.Context(), b.private(), "")
	wantUnavailable(t, err, "cluster prod is paused", false)
	b.cluster.Set(func(d *awssim.Description) {
		d.Status, d.Relocate, d.Interfaces = "available", true, []awssim.Interface{}
	})
	if _, err = b.keeper.Provision(t.Context(), b.private(), ""); err == nil || infra.Hint(err) == "" {
		t.Errorf("without a private address: %v", err)
	}
}

// A link with a password and a cluster that somebody named is followed by nobody, but says why it does not work.
func TestRepair_ExplainsALinkOfItsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.link()
	l.Credentials, l.Host, l.Port = catalog.PasswordCredentials, b.source.Host(), b.source.Port()
	l = b.provision(t, l)
	b.cluster.Set(status("paused"))
	_, err := b.keeper.Repair(t.Context(), l, b.state(t, l).Now, unreachable)
	wantUnavailable(t, err, "cluster prod is paused", false)
	b.source.ExpirePassword(redshiftsim.User)
	if again, err := b.keeper.Repair(t.Context(), l, b.state(t, l).Now, b.try(t, l)); again || err != nil {
		t.Errorf("a refused password: %v, %v", again, err)
	}
	l.Cluster = ""
	if again, err := b.keeper.Repair(t.Context(), l, b.state(t, l).Now, unreachable); again || err != nil {
		t.Errorf("a link of which AWS knows nothing: %v, %v", again, err)
	}
}
