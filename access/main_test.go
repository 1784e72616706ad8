package access_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/awssim"
	"github.com/redcache/redcache/internal/cachetest"
	"github.com/redcache/redcache/internal/logtest"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// What the double calls the actions.
const (
	getCredentials    = "redshift:GetClusterCredentials"
	getIAMCredentials = "redshift:GetClusterCredentialsWithIAM"
	getWorkgroupLogin = "redshift-serverless:GetCredentials"
	getSecret         = "secretsmanager:GetSecretValue"
	describeClusters  = "redshift:DescribeClusters"
)

// bundle is a warehouse that AWS knows as a cluster and as a workgroup, and a cache without a link.
type bundle struct {
	source  *redshiftsim.Warehouse
	aws     *awssim.AWS
	cluster *awssim.Cluster
	group   *awssim.Cluster
	cache   *pgtest.Database
	pool    *pgxpool.Pool
	store   catalog.Store
	keeper  *access.Keeper
	log     *logtest.Log
}

// quick is a Keeper that waits for nothing for long.
var quick = access.Config{
	Poll: infra.Backoff{Base: 50 * time.Millisecond, Max: 50 * time.Millisecond}, Patience: time.Minute, Rest: time.Hour,
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{source: redshiftsim.For(t), aws: awssim.Start(t), cache: cachetest.New(t), log: &logtest.Log{}}
	b.cluster = b.aws.Cluster("prod", b.source.Server)
	b.group = b.aws.Workgroup("adhoc", b.source.Server)
	b.pool = openPool(t, b.cache.URL)
	b.store = catalog.In(b.pool)
	b.keeper = b.another(t, quick)
	return b
}

func openPool(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: url, MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// another is a Keeper in a process of its own, as far as anybody can tell.
func (b *bundle) another(t *testing.T, cfg access.Config) *access.Keeper {
	t.Helper()
	cfg.Log = slog.New(slog.NewTextHandler(b.log, nil))
	return access.NewKeeper(openPool(t, b.cache.URL), b.aws.Client(), cfg)
}

// link is a definition whose login AWS issues.
func (b *bundle) link() catalog.Link {
	return catalog.Link{
		Name: "dw", Database: b.source.Name, User: redshiftsim.User, SSLMode: "require", MaxConcurrency: 4,
		Credentials: catalog.ClusterCredentials, Cluster: "prod",
	}
}

func (b *bundle) provision(t *testing.T, l catalog.Link) catalog.Link {
	t.Helper()
	l, err := b.keeper.Provision(t.Context(), l, redshiftsim.Password)
	if err != nil {
		t.Fatalf("provision: %v\nhint: %s", err, infra.Hint(err))
	}
	return l
}

// age makes the link's password an hour old, so that it ends in d by the catalog, whatever AWS has said.
func (b *bundle) age(t *testing.T, d time.Duration) {
	t.Helper()
	b.exec(t, `UPDATE redcache.link_state SET renewed_at = clock_timestamp() - interval '1 hour',
		resolved_at = resolved_at - interval '1 hour', expires_at = clock_timestamp() + $1::interval`, d)
}

func (b *bundle) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := b.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (b *bundle) state(t *testing.T, l catalog.Link) catalog.LinkState {
	t.Helper()
	s, err := b.store.LinkState(t.Context(), l.ID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// mapping is what a session is opened with.
func (b *bundle) mapping(t *testing.T, l catalog.Link) (user, password string) {
	t.Helper()
	user, password, err := dblink.Login(t.Context(), b.pool, l.Server().Name)
	if err != nil {
		t.Fatal(err)
	}
	return user, password
}

// address is where the foreign server leads.
func (b *bundle) address(t *testing.T, l catalog.Link) (hostaddr, port string) {
	t.Helper()
	options, err := dblink.Options(t.Context(), b.pool, l.Server().Name)
	if err != nil {
		t.Fatal(err)
	}
	return options["hostaddr"], options["port"]
}

// try opens a session through the link.
func (b *bundle) try(t *testing.T, l catalog.Link) error {
	t.Helper()
	return infra.InTx(t.Context(), b.pool, infra.Limits{}, func(tx pgx.Tx) error {
		return access.TryLink(t.Context(), tx, l)
	})
}

func (b *bundle) wantWorks(t *testing.T, l catalog.Link) {
	t.Helper()
	if err := b.try(t, l); err != nil {
		t.Errorf("the link does not work: %v", err)
	}
}

// wantAsked checks how often AWS has been asked for an action so far.
func (b *bundle) wantAsked(t *testing.T, action string, times int) {
	t.Helper()
	if n := b.aws.Count(action); n != times {
		t.Errorf("AWS was asked for %s %d times, want %d", action, n, times)
	}
}

func wantUnavailable(t *testing.T, err error, status string, passing bool) *access.UnavailableError {
	t.Helper()
	away, ok := errors.AsType[*access.UnavailableError](err)
	if !ok || away.Status != status || away.Passing != passing || infra.Hint(err) == "" {
		t.Fatalf("got %#v with hint %q, want that %s, passing %v", err, infra.Hint(err), status, passing)
	}
	return away
}

// eventually polls until check is content.
func eventually(t *testing.T, what string, check func(ctx context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !check(ctx) {
		select {
		case <-ctx.Done():
			t.Fatalf("never happened: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
