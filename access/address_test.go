package access_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/awssim"
)

func itoa(n int) string { return strconv.Itoa(n) }

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
