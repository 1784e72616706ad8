package doctor_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/doctor"
	"github.com/redcache/redcache/internal/redshiftsim"
)

func TestLinks_None(t *testing.T) {
	t.Parallel()
	b := onServer(t)
	b.wants(t, "link-server", doctor.Warning, "there is no link", "cachectl link add")
}

func TestLinkServer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(t, `ALTER SERVER redcache_dw OPTIONS (SET sslmode 'prefer', SET port '1', ADD hostaddr '127.0.0.1', SET keepalives_idle '30')`)
	c := b.wants(t,
		"link-server", doctor.Warning, `sslmode is "prefer" there and "require" here`, `hostaddr is "127.0.0.1" there`)
	_, fix, _ := strings.Cut(c.Fix, "If the catalog is right: ")
	b.exec(t, fix)
	b.wants(t, "link-server", doctor.OK)
	b.exec(t, `ALTER USER MAPPING FOR CURRENT_USER SERVER redcache_dw OPTIONS (SET user 'boss')`)
	b.wants(t, "link-server", doctor.Warning, "logs in as boss, and the catalog says "+redshiftsim.User)
	b.exec(t, `DROP USER MAPPING FOR CURRENT_USER SERVER redcache_dw`)
	b.wants(t, "link-server", doctor.Failed, "no user mapping")
	b.exec(t, `DROP SERVER redcache_dw`)
	b.wants(t, "link-server", doctor.Failed, "foreign server redcache_dw does not exist")
}

func TestLinkTLS(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for mode, want := range map[string]doctor.Result{
		"disable": doctor.Failed, "allow": doctor.Warning, "prefer": doctor.Warning, "require": doctor.OK,
		"verify-full": doctor.OK,
	} {
		b.exec(t, `UPDATE redcache.link SET sslmode = '`+mode+`'`)
		b.wants(t, "link-tls", want, mode)
	}
}

func TestLinkCredentials(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "sales", func(v *catalog.View) { v.RefreshEvery = time.Hour })
	b.wants(t, "link-credentials", doctor.OK, "a password that somebody gave")
	b.exec(t, `UPDATE redcache.link SET credentials = 'cluster-iam', cluster = 'prod'`)
	b.wants(t, "link-credentials", doctor.OK, "cluster-iam, with no end that is known")
	b.exec(t, `UPDATE redcache.link_state SET expires_at = now() + interval '30 minutes 10 seconds'`)
	b.wants(t, "link-credentials", doctor.OK, "good for another 30m")
	b.exec(t, `UPDATE redcache.link_state SET expires_at = now() - interval '1 hour'`)
	b.wants(t, "link-credentials", doctor.OK, "ended 1h ago; the next refresh renews it")
	b.exec(t, `UPDATE redcache.state SET next_due = now() - interval '10 minutes'`)
	b.wants(t, "link-credentials", doctor.Failed, "nobody renews it", "cachectl link rotate dw")
}

func TestLinkReach(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.wants(t, "link-reach", doctor.OK)
	b.source.ExpirePassword(redshiftsim.User)
	checks := b.examine(t)
	wants(t, checks, "link-reach", doctor.Failed, "it ended at: login", "password authentication failed")
	wants(t, checks, "link-clock", doctor.Unknown, "no session could be opened")
	wants(t, checks, "link-rights", doctor.Unknown, "no session could be opened")

	b.exec(t, `UPDATE redcache.link SET credentials = 'cluster-iam', cluster = 'prod';
		UPDATE redcache.link_state SET expires_at = now() - interval '1 hour'`)
	b.wants(t, "link-reach", doctor.Unknown, "its password ended 1h ago", "cachectl link rotate dw")
	b.exec(t, `UPDATE redcache.link_state SET expires_at = NULL`)
	b.source.Pause()
	b.wants(t, "link-reach", doctor.Failed, "it ended at: tcp", "Check host and port")
}

// Links that accept everything and answer nothing cost their connection's timeout once, not once each.
func TestLinkReach_SeveralAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.provision(t, func(l *catalog.Link) { l.Name = "second" })
	b.exec(t, `ALTER SERVER redcache_dw OPTIONS (SET connect_timeout '5'); ALTER SERVER redcache_second OPTIONS (SET connect_timeout '5')`)
	b.source.Stall(true)
	defer b.source.Stall(false)
	var checks []doctor.Check
	done := make(chan error, 1)
	go func() {
		var err error
		checks, err = doctor.New(b.pool, b.cfg).Examine(t.Context())
		done <- err
	}()
	together := false
	for waits := true; waits; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			waits = false
		default:
			together = row(t, b.admin, `SELECT count(*) FROM pg_stat_activity, pg_sleep(0.01)
				WHERE datname = current_database() AND state = 'active' AND query LIKE '%dblink_connect%' AND pid <> pg_backend_pid()`) == "(2)" ||
				together
		}
	}
	if !together {
		t.Error("the links were tried one after the other")
	}
	wants(t, checks, "link-reach", doctor.Failed, "link dw", "does not answer")
	wants(t, checks, "link-reach", doctor.Failed, "link second", "does not answer")
}

func TestLinkClock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.change(t, `CREATE OR REPLACE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS $$
		SELECT pg_catalog.date_trunc('second', (pg_catalog.statement_timestamp() + interval '1 hour') AT TIME ZONE 'UTC') $$`)
	b.wants(t, "link-clock", doctor.Warning, "differ by", "NTP")
}

func TestLinkRights(t *testing.T) {
	t.Parallel()
	b := onServer(t)
	const reader = "doctor_reader"
	server := redshiftsim.StartFor(t, redshiftsim.Config{
		EngineURL: b.source.EngineURL, Restricted: map[string]string{reader: redshiftsim.Password},
	})
	b.provision(t, func(l *catalog.Link) { l.User, l.Port = reader, server.Port() })
	b.change(t, `CREATE SCHEMA hidden; CREATE TABLE hidden.t (a int); GRANT INSERT ON hidden.t TO PUBLIC`) // no USAGE, no right
	b.wants(t, "link-rights", doctor.OK, reader+" may not write to any table")
	b.change(t, `CREATE TABLE public."Odd 'name" (a int); GRANT DELETE ON public."Odd 'name" TO `+reader)
	b.wants(t, "link-rights", doctor.Warning, reader+" may write on Redshift, for instance to public.Odd 'name (")
	b.change(t, `REVOKE DELETE ON public."Odd 'name" FROM `+reader)
	b.wants(t, "link-rights", doctor.OK)
}

func TestLinkRights_OfASuperuser(t *testing.T) {
	t.Parallel()
	b := onServer(t)
	const boss = "doctor_boss"
	server := redshiftsim.StartFor(t, redshiftsim.Config{
		EngineURL: b.source.EngineURL, Users: map[string]string{boss: redshiftsim.Password},
	})
	b.change(t, `ALTER ROLE `+boss+` SUPERUSER`)
	b.provision(t, func(l *catalog.Link) { l.User, l.Port = boss, server.Port() })
	b.wants(t, "link-rights", doctor.Failed, boss+" is a superuser of Redshift")
}

func TestLinkAddress(t *testing.T) {
	t.Parallel()
	b := onServer(t)
	b.provision(t, func(l *catalog.Link) { l.Host = "localhost" })
	resolves := func(address string, err error) {
		b.cfg.Resolve = func(context.Context, string) ([]netip.Addr, error) {
			if err != nil {
				return nil, err
			}
			return []netip.Addr{netip.MustParseAddr("::ffff:10.1.2.3"), netip.MustParseAddr(address)}, nil
		}
	}
	resolves("10.0.0.7", nil)
	b.wants(t, "link-address", doctor.OK, "localhost is the private address 127.0.0.1")
	resolves("", errors.New("no such host"))
	b.wants(t, "link-address", doctor.OK, "this machine does not resolve it")
	resolves("52.1.2.3", nil)
	b.wants(t, "link-address", doctor.Warning, "as this machine resolves it, is 52.1.2.3, a public one", "--address "+
		"private")

	b.exec(t, `UPDATE redcache.link SET host = 'nowhere.invalid'`)
	resolves("10.0.0.7", nil)
	b.wants(t, "link-address", doctor.Unknown, "how PostgreSQL resolves it is not known")
	resolves("", errors.New("no such host"))
	b.wants(t, "link-address", doctor.Unknown, "neither to PostgreSQL nor to this machine")
	for address, want := range map[string]doctor.Result{
		"52.1.2.3": doctor.Warning, "2600::1": doctor.Warning, "10.1.1.1": doctor.OK, "100.64.0.9": doctor.OK,
		"fd00::1": doctor.OK,
	} {
		b.exec(t, `UPDATE redcache.link SET host = 'dw.example.com', hostaddr = '`+address+`'`)
		b.wants(t, "link-address", want, address)
	}
	b.exec(t, `UPDATE redcache.link SET host = '52.1.2.3', hostaddr = ''`)
	b.wants(t, "link-address", doctor.Warning, "its host is 52.1.2.3, a public one")
}
