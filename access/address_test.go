package access_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/awssim"
	"github.com/redcache/redcache/internal/redshiftsim"
)

func itoa(n int) string { return strconv.Itoa(n) }

// forget makes AWS issue logins that do not work.
func forget(d *awssim.Description) { d.Users = nil }

func status(s string) func(*awssim.Description) { return func(d *awssim.Description) { d.Status = s } }

// interfaces are given as addresses, each with its zone.
func interfaces(addressesAndZones ...string) (list []awssim.Interface) {
	for pair := range slices.Chunk(addressesAndZones, 2) {
		list = append(list, awssim.Interface{Address: pair[0], Zone: pair[1]})
	}
	return list
}

// unreachable is how a connection that could not be made shows.
var unreachable = &pgconn.PgError{Code: "08001", Message: "could not establish connection", Detail: "connection refused"}

// private is a link by a private address, whose certificate is verified in full.
func (b *bundle) private() catalog.Link {
	l := b.link()
	l.Address, l.SSLMode, l.SSLRootCert = catalog.PrivateAddress, "verify-full", b.source.CACert()
	return l
}

// The certificate is for the name, the connection goes to the address: the leader's, or that of the endpoint's interface
// in the zone of the database.
func TestProvision_FindsThePrivateAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(b *bundle, l *catalog.Link)
	}{
		{"leader", func(*bundle, *catalog.Link) {}},
		{"by hand", func(_ *bundle, l *catalog.Link) { l.Credentials = catalog.PasswordCredentials }},
		{"relocation, in the zone", func(b *bundle, l *catalog.Link) {
			l.Zone = "eu-central-1c"
			b.cluster.Set(func(d *awssim.Description) {
				d.Relocate = true
				d.Interfaces = interfaces("10.9.9.9", "eu-central-1a", b.source.Host(), "eu-central-1c")
			})
		}},
		{"relocation, elsewhere", func(b *bundle, l *catalog.Link) {
			l.Zone = "eu-central-1f"
			b.cluster.Set(func(d *awssim.Description) {
				d.Relocate, d.Zone = true, "eu-central-1c"
				d.Interfaces = interfaces(b.source.Host(), "eu-central-1c", "10.9.9.9", "eu-central-1a")
			})
		}},
		{"workgroup", func(_ *bundle, l *catalog.Link) {
			l.Credentials, l.User, l.Cluster, l.Workgroup = catalog.WorkgroupCredentials, "", "", "adhoc"
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if err := b.source.MoveTo(t.Context(), "127.0.0.3"); err != nil {
				t.Fatal(err)
			}
			l := b.private()
			tt.change(b, &l)
			l = b.provision(t, l)
			if l.Host != "localhost" || l.HostAddr != "127.0.0.3" || l.Port != b.source.Port() {
				t.Errorf("leads to %s at %s:%d", l.Host, l.HostAddr, l.Port)
			}
			if b.state(t, l).ResolvedAt == nil {
				t.Error("nobody knows when the address was looked up")
			}
			b.wantWorks(t, l)
		})
	}
}

// An address is looked up again after a minute, by one for all.
func TestReady_FollowsAClusterThatMoves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.provision(t, b.private())
	if err := b.keeper.Ready(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	b.wantAsked(t, describeClusters, 1)
	if err := b.source.MoveTo(t.Context(), "127.0.0.4"); err != nil {
		t.Fatal(err)
	}
	b.exec(t, `UPDATE redcache.link_state SET resolved_at = resolved_at - interval '1 minute'`)
	var all sync.WaitGroup
	for range 8 {
		keeper := b.another(t, quick)
		all.Go(func() {
			if err := keeper.Ready(t.Context(), l); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	b.wantAsked(t, describeClusters, 2)
	if address, port := b.address(t, l); address != "127.0.0.4" || port != itoa(b.source.Port()) {
		t.Errorf("the server leads to %s:%s", address, port)
	}
	if stored, err := b.store.Link(t.Context(), l.Name); err != nil || stored.HostAddr != "127.0.0.4" {
		t.Errorf("the catalog has %s, %v", stored.HostAddr, err)
	}
	b.wantWorks(t, l)
}

// When AWS does not tell, the last address is used, and AWS is left alone for a while.
func TestReady_KeepsTheAddressThatAWSDoesNotTell(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.provision(t, b.private())
	b.aws.Deny(describeClusters)
	b.exec(t, `UPDATE redcache.link_state SET resolved_at = resolved_at - interval '1 hour'`)
	for range 3 {
		if err := b.keeper.Ready(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	b.wantAsked(t, describeClusters, 2)
	if said := b.log.String(); strings.Count(said, "level=WARN") != 1 || !strings.Contains(said, describeClusters) {
		t.Errorf("logged: %s", said)
	}
	b.wantWorks(t, l)
	if again, err := b.keeper.Repair(t.Context(), l, b.state(t, l).Now, unreachable); again || err != nil {
		t.Errorf("Repair: %v, %v", again, err)
	}
}

func TestRepair_FollowsAClusterThatHasMoved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.provision(t, b.private())
	since := b.state(t, l).Now
	if again, err := b.keeper.Repair(t.Context(), l, since, unreachable); again || err != nil {
		t.Errorf("a cluster that is where it was: %v, %v", again, err)
	}
	if err := b.source.Move(t.Context()); err != nil {
		t.Fatal(err)
	}
	since = b.state(t, l).Now
	for i, keeper := range []*access.Keeper{b.keeper, b.another(t, quick)} {
		if again, err := keeper.Repair(t.Context(), l, since, b.failing(t, i, l)); !again || err != nil {
			t.Errorf("Repair %d: %v, %v", i, again, err)
		}
	}
	b.wantAsked(t, describeClusters, 3)
	b.wantWorks(t, l)
}

// failing is the real failure while there is one.
func (b *bundle) failing(t *testing.T, i int, l catalog.Link) error {
	t.Helper()
	if i > 0 {
		return unreachable
	}
	return b.try(t, l)
}

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
	for b.aws.Count(describeClusters) < 5 {
		time.Sleep(time.Millisecond)
	}
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
	for b.aws.Count(describeClusters) == asked {
		time.Sleep(time.Millisecond)
	}
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
