package grants_test

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/grants"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/cachetest"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

func TestMain(m *testing.M) {
	flag.Parse()
	checks := flag.Lookup("rapid.checks")
	if checks.Value.String() == checks.DefValue {
		_ = checks.Value.Set("20") // each check asks two servers some hundred questions
	}
	pgtest.Main(m)
}

// bundle is a source and a cache with a link between them. Roles belong to the server that all tests share, both sides
// of this one included, so each test has names of its own: at stands for its prefix in every statement.
type bundle struct {
	source  *redshiftsim.Warehouse
	cache   *pgtest.Database
	pool    *pgxpool.Pool // as the owner
	admin   *pgxpool.Pool
	link    catalog.Link
	definer *refresh.Definer
	prefix  string
}

var tests atomic.Int32

func setup(t testing.TB, sourceSQL ...string) *bundle {
	t.Helper()
	b := &bundle{source: redshiftsim.For(t), cache: cachetest.New(t), prefix: fmt.Sprintf("t%d_", tests.Add(1))}
	b.admin = b.cache.AdminPool(t)
	for _, sql := range sourceSQL {
		b.remote(t, sql)
	}
	var err error
	if b.pool, err = infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: b.cache.URL, MaxConns: 10}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.pool.Close)
	b.link, err = access.CreateLink(t.Context(), b.pool, catalog.Link{
		Name: "dw", Host: b.source.Host(), Port: b.source.Port(), Database: b.source.Name, User: redshiftsim.User,
		SSLMode: "require", MaxConcurrency: 4,
	}, access.Login{Password: redshiftsim.Password})
	if err != nil {
		t.Fatal(err)
	}
	b.definer = refresh.NewDefiner(b.pool, refresh.NewRunner(b.pool, refresh.Config{}))
	return b
}

// named puts the test's prefix before names of roles: @ann is t1_ann.
func (b *bundle) named(text string) string { return strings.ReplaceAll(text, "@", b.prefix) }

// remote changes the source behind the stand-in's back.
func (b *bundle) remote(t tester, sql string) {
	t.Helper()
	execute(t, b.source.Engine, b.named(sql))
}

// local changes the cache database as its owner, who owns the published views.
func (b *bundle) local(t tester, sql string) { t.Helper(); execute(t, b.pool, b.named(sql)) }

// super changes the cache database as a superuser.
func (b *bundle) super(t tester, sql string) { t.Helper(); execute(t, b.admin, b.named(sql)) }

func execute(t tester, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// people makes roles that may log in.
func (b *bundle) people(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		b.super(t, "CREATE ROLE "+name+" LOGIN")
	}
}

// audited lets the link's login see what others were granted, and what guards rows.
func (b *bundle) audited(t testing.TB) {
	t.Helper()
	b.remote(t, "INSERT INTO redshift.system_grant VALUES ('"+redshiftsim.User+"', 'sys:monitor'), ('"+redshiftsim.User+"', 'sys:secadmin')")
}

// add adds a view in schema bi, filled and published.
func (b *bundle) add(t testing.TB, name, query string, grantees ...string) catalog.Name {
	t.Helper()
	v := catalog.NewView(catalog.Name{Schema: "bi", View: name}, b.link)
	v.Query, v.Strategy, v.Timeout, v.Grantees = query, catalog.Swap, time.Minute, grantees
	if _, err := b.definer.Add(t.Context(), v, false, nil); err != nil {
		t.Fatalf("add view %s: %v\nhint: %s", v.Name, err, infra.Hint(err))
	}
	return v.Name
}

func (b *bundle) mapping(t testing.TB, text string) grants.Mapping {
	t.Helper()
	m := grants.Mapping{}
	if err := m.Add(b.named(text)); err != nil {
		t.Fatal(err)
	}
	return m
}

func (b *bundle) auditor(t testing.TB, mapping string) *grants.Auditor {
	t.Helper()
	return grants.New(b.pool, grants.Config{Mapping: b.mapping(t, mapping)})
}

// revoker is an auditor without a mapping that may take the views from everybody.
func (b *bundle) revoker() *grants.Auditor {
	return grants.New(b.pool, grants.Config{RevokeAll: true})
}

// audit returns a line for each reader that is no exempt one: role, verdict, reasons, ways.
func (b *bundle) audit(t testing.TB, a *grants.Auditor, names ...catalog.Name) string {
	t.Helper()
	report, err := a.Audit(t.Context(), names)
	if err != nil {
		t.Fatalf("audit: %v", err)
	}
	var lines strings.Builder
	for _, audit := range report.Audits {
		lines.WriteString(b.readers(audit.Readers))
	}
	return lines.String()
}

func (b *bundle) readers(readers []grants.Reader) string {
	var lines strings.Builder
	for _, r := range readers {
		ours := strings.HasPrefix(r.Role, b.prefix) || r.Role == grants.PUBLIC // the server has roles of other tests
		if r.Verdict == grants.Exempt || !ours {
			continue
		}
		ways := make([]string, len(r.Ways))
		for i, w := range r.Ways {
			ways[i] = w.String()
		}
		line := fmt.Sprintf("%s %s", r.Role, r.Verdict)
		if len(r.Reasons) > 0 {
			line += ": " + strings.Join(r.Reasons, "; ")
		}
		fmt.Fprintf(&lines, "%s <- %s\n", line, strings.Join(ways, "; "))
	}
	return strings.ReplaceAll(lines.String(), b.prefix, "@")
}

// tester is a test, or a check of one.
type tester interface {
	Helper()
	Context() context.Context
	Fatalf(format string, args ...any)
}
