package catalog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

// A definition is refused before AWS or a database is asked, with what to do; what AWS will tell may be missing.
func TestLink_Validate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(l *catalog.Link)
		want   string // empty: valid
		fixes  bool
	}{
		{"password", func(*catalog.Link) {}, "", false},
		{"cluster", func(l *catalog.Link) { l.Credentials, l.Cluster, l.Host = catalog.ClusterCredentials, "prod", "" }, "", false},
		{"identity", func(l *catalog.Link) {
			l.Credentials, l.Cluster, l.Host, l.User = catalog.ClusterIAMCredentials, "prod", "", ""
		}, "", false},
		{"workgroup", func(l *catalog.Link) {
			l.Credentials, l.Workgroup, l.Host, l.User = catalog.WorkgroupCredentials, "adhoc", "", ""
		}, "", false},
		{"secret", func(l *catalog.Link) {
			l.Credentials, l.Secret, l.Host, l.User, l.Database = catalog.SecretCredentials, "arn:x", "", "", ""
		}, "", false},
		{"password and private", func(l *catalog.Link) { l.Cluster, l.Address, l.Host = "prod", catalog.PrivateAddress, "" }, "", false},

		{"no host", func(l *catalog.Link) { l.Host = "" }, "host is empty", false},
		{
			"no database", func(l *catalog.Link) { l.Credentials, l.Cluster, l.Database = catalog.ClusterCredentials, "prod", "" },
			"database is empty", false,
		},
		{"no cluster", func(l *catalog.Link) { l.Credentials = catalog.ClusterCredentials }, "need the cluster", false},
		{"no workgroup", func(l *catalog.Link) { l.Credentials = catalog.WorkgroupCredentials }, "need the workgroup", false},
		{"no secret", func(l *catalog.Link) { l.Credentials = catalog.SecretCredentials }, "need the secret", false},
		{"no login", func(l *catalog.Link) { l.Credentials, l.Cluster, l.User = catalog.ClusterCredentials, "prod", "" }, "no login", true},
		{"two warehouses", func(l *catalog.Link) { l.Cluster, l.Workgroup = "prod", "adhoc" }, "a cluster and a workgroup", true},
		{"private, of nothing", func(l *catalog.Link) { l.Address = catalog.PrivateAddress }, "it names none", true},
		{"unknown credentials", func(l *catalog.Link) { l.Credentials = "guess" }, "no known kind", false},
		{"unknown address", func(l *catalog.Link) { l.Address = "public" }, "neither given nor private", false},
	} {
		l := catalog.Link{
			Name: "dw", Host: "dw.example", Database: "dev", User: "cache_ro", MaxConcurrency: 4,
			Credentials: catalog.PasswordCredentials, Address: catalog.GivenAddress,
		}
		tt.change(&l)
		err := l.Validate()
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		case tt.fixes && infra.Hint(err) == "":
			t.Errorf("%s: nothing says what to do", tt.name)
		}
	}
}

// What is true of a link is kept by the database's clock, and ends with the link.
func TestLinkState_IsKept(t *testing.T) {
	t.Parallel()
	store, _, link := newCatalog(t)
	state := func() catalog.LinkState {
		t.Helper()
		s, err := store.LinkState(t.Context(), link.ID)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if s := state(); s.RenewedAt != nil || s.ResolvedAt != nil || s.RestUntil != nil || s.Expired() || s.Now.IsZero() {
		t.Errorf("at first: %+v", s)
	}
	soon := state().Now.Add(time.Minute)
	must(store.Renewed(t.Context(), link.ID, &soon))
	if s := state(); s.RenewedAt == nil || !s.ExpiresAt.Equal(soon) || s.Expired() {
		t.Errorf("renewed: %+v", s)
	}
	past := soon.Add(-time.Hour)
	must(store.Renewed(t.Context(), link.ID, &past))
	if !state().Expired() {
		t.Error("a password of the past has not expired")
	}
	must(store.Renewed(t.Context(), link.ID, nil))
	if s := state(); s.ExpiresAt != nil || s.Expired() {
		t.Errorf("without an end: %+v", s)
	}
	moved := link
	moved.HostAddr, moved.Port = "10.0.3.7", 5440
	must(store.Resolved(t.Context(), moved))
	stored, err := store.Link(t.Context(), link.Name)
	if s := state(); err != nil || s.ResolvedAt == nil || stored.HostAddr != "10.0.3.7" || stored.Port != 5440 || stored.Host != link.Host {
		t.Errorf("resolved at %v: %+v, %v", s.ResolvedAt, stored, err)
	}
	must(store.Rest(t.Context(), link.ID, time.Minute, "cluster prod is paused"))
	if s := state(); s.RestUntil == nil || s.RestUntil.Sub(s.Now) > time.Minute || *s.RestReason != "cluster prod is paused" {
		t.Errorf("resting: %+v", s)
	}
	must(store.Rest(t.Context(), link.ID, 0, ""))
	if s := state(); s.RestUntil != nil || s.RestReason != nil {
		t.Errorf("after the rest: %+v", s)
	}
	must(store.RemoveLink(t.Context(), link))
	if _, err := store.LinkState(t.Context(), link.ID); err == nil {
		t.Error("a link that is gone has a state")
	}
}
