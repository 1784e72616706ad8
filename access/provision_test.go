package access_test

import (
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/redshift"
)

// Whatever AWS makes of the name that was asked for is what the session is opened with, and the catalog keeps the one
// that was asked for.
func TestProvision_TakesTheLoginThatAWSReturns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(b *bundle, l *catalog.Link)
		user   string
	}{
		{"cluster", func(*bundle, *catalog.Link) {}, "IAM:" + redshiftsim.User},
		{"cluster with IAM", func(_ *bundle, l *catalog.Link) {
			l.Credentials, l.User = catalog.ClusterIAMCredentials, ""
		}, "IAMR:" + redshiftsim.User},
		{"created user", func(b *bundle, l *catalog.Link) {
			b.aws.Identity("IAMA:" + redshiftsim.User)
			l.Credentials, l.User = catalog.ClusterIAMCredentials, ""
		}, "IAMA:" + redshiftsim.User},
		{"workgroup", func(_ *bundle, l *catalog.Link) {
			l.Credentials, l.User, l.Cluster, l.Workgroup = catalog.WorkgroupCredentials, "", "", "adhoc"
		}, "IAMR:" + redshiftsim.User},
		{"secret", func(b *bundle, l *catalog.Link) {
			l.Credentials, l.User, l.Cluster = catalog.SecretCredentials, "", ""
			l.Secret = b.secret(redshiftsim.Password)
		}, redshiftsim.User},
		{
			"password", func(b *bundle, l *catalog.Link) {
				l.Credentials = catalog.PasswordCredentials
				l.Host = b.source.Host()
			},
			redshiftsim.User,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			asked := b.link()
			tt.change(b, &asked)
			l := b.provision(t, asked)
			user, _ := b.mapping(t, l)
			if user != tt.user || l.User != asked.User {
				t.Errorf("logs in as %q, want %q; the catalog has %q, want %q", user, tt.user, l.User, asked.User)
			}
			s := b.state(t, l)
			temporary := asked.Secret == "" && asked.Credentials != catalog.PasswordCredentials
			if s.RenewedAt == nil || (s.ExpiresAt != nil) != temporary {
				t.Errorf("renewed at %v, expires at %v", s.RenewedAt, s.ExpiresAt)
			}
			b.wantWorks(t, l)
		})
	}
}

func (b *bundle) secret(password string) (arn string) {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(password)
	return b.aws.Secret("dw", `{"username": "`+redshiftsim.User+`", "password": "`+quoted+`", "host": "localhost", "port": `+
		itoa(b.source.Port())+`}`)
}

// A new login is kept when it works; otherwise the old one stays.
func TestRotate_KeepsTheOldLoginUnlessTheNewOneWorks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.provision(t, b.link())
	_, first := b.mapping(t, l)
	if err := b.keeper.Rotate(t.Context(), l, ""); err != nil {
		t.Fatal(err)
	}
	_, second := b.mapping(t, l)
	if second == first {
		t.Error("the password is the old one")
	}
	ghost := l
	ghost.User = "ghost"
	if err := b.keeper.Rotate(t.Context(), ghost, ""); redshift.Classify(err) != redshift.Credentials {
		t.Errorf("with a login that does not work: %v", err)
	}
	if user, now := b.mapping(t, l); now != second || user != "IAM:"+redshiftsim.User {
		t.Error("the login that worked is gone")
	}
	b.wantWorks(t, l)

	byHand := l
	byHand.Credentials = catalog.PasswordCredentials
	if err := b.keeper.Rotate(t.Context(), byHand, "wrong"); redshift.Classify(err) != redshift.Credentials {
		t.Errorf("with a wrong password: %v", err)
	}
	b.wantWorks(t, l)
	if err := b.keeper.Rotate(t.Context(), byHand, redshiftsim.Password); err != nil {
		t.Error(err)
	}
	if s := b.state(t, l); s.ExpiresAt != nil {
		t.Errorf("a password that was given ends at %s", s.ExpiresAt)
	}
	if err := b.keeper.Rotate(t.Context(), byHand, ""); infra.Hint(err) == "" {
		t.Errorf("without a password: %v", err)
	}
}

// What cannot be learned from AWS leaves nothing behind.
func TestProvision_LeavesNothingBehind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, tt := range []struct {
		name   string
		change func(l *catalog.Link)
		want   string
	}{
		{"no such cluster", func(l *catalog.Link) { l.Cluster = "nope" }, "does not exist"},
		{"no such user", func(l *catalog.Link) { l.User = "ghost" }, "Redshift refused the login"},
		{"no such region", func(l *catalog.Link) { l.Region = "us-east-1" }, "does not exist"},
		{"no such secret", func(l *catalog.Link) {
			l.Credentials, l.Secret = catalog.SecretCredentials, "arn:aws:secretsmanager:eu-central-1:123456789012:secret:nope-AbCdEf"
		}, "does not exist"},
		{"a secret without host", func(l *catalog.Link) {
			l.Credentials, l.Cluster = catalog.SecretCredentials, ""
			l.Secret = b.aws.Secret("bare", `{"username": "u", "password": "p"}`)
		}, "host is empty"},
	} {
		l := b.link()
		tt.change(&l)
		_, err := b.keeper.Provision(t.Context(), l, "")
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		var left int
		err = b.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM redcache.link) + (SELECT count(*) FROM pg_foreign_server)`).Scan(&left)
		if err != nil || left != 0 {
			t.Errorf("%s: left %d, %v", tt.name, left, err)
		}
	}
}
