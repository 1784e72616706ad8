package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Database is a test's own database on its package's server.
type Database struct {
	*Cluster
	Name string
	URL  string // as Owner
}

var shared struct {
	sync.Mutex
	cluster *Cluster
	inMain  bool
}

// Main runs a package's tests and stops the server that they shared. It does not return.
func Main(m *testing.M) {
	shared.inMain = true
	code := m.Run()
	if shared.cluster != nil {
		if err := shared.cluster.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest: stop the shared server:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// New gives the test a fresh database, dropped when it ends, or kept and named when it failed.
func New(t testing.TB) *Database {
	t.Helper()
	return newDatabase(t, func(c *Cluster) (string, error) { return c.CreateDatabase(t.Context()) })
}

func newDatabase(t testing.TB, create func(c *Cluster) (string, error)) *Database {
	t.Helper()
	cluster := sharedCluster(t)
	name, err := create(cluster)
	if err != nil {
		t.Fatalf("create test database: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("database %s is kept in %s/data: start it with pg_ctl, log in as %s with password %s",
				name, cluster.Keep(), Superuser, cluster.SuperPassword)
			return
		}
		if err := cluster.DropDatabase(context.Background(), name); err != nil {
			t.Errorf("drop test database: %v", err)
		}
	})
	return &Database{Cluster: cluster, Name: name, URL: cluster.OwnerURL(name)}
}

// StartFor starts a server of the test's own, for tests that stop it or change its settings.
func StartFor(t testing.TB, cfg Config) *Cluster {
	t.Helper()
	cfg.InMemory = true
	cluster, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatalf("start server: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("server is kept in %s/data, superuser password %s", cluster.Keep(), cluster.SuperPassword)
		}
		if err := cluster.Stop(); err != nil {
			t.Errorf("stop server: %v", err)
		}
	})
	return cluster
}

// Pool opens a pool as [Owner] and closes it when the test ends.
func (d *Database) Pool(t testing.TB) *pgxpool.Pool { return OpenPool(t, d.URL) }

// ReaderPool opens a pool as [Reader] and closes it when the test ends.
func (d *Database) ReaderPool(t testing.TB) *pgxpool.Pool {
	return OpenPool(t, d.ReaderURL(d.Name))
}

// AdminPool opens a pool as the superuser and closes it when the test ends.
func (d *Database) AdminPool(t testing.TB) *pgxpool.Pool { return OpenPool(t, d.AdminURL(d.Name)) }

// OpenPool opens a pool and closes it when the test ends.
func OpenPool(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatalf("open pool: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// Connect opens a connection and closes it when the test ends.
func Connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func sharedCluster(t testing.TB) *Cluster {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.inMain {
		t.Fatal("pgtest.New needs func TestMain(m *testing.M) { pgtest.Main(m) } in the package")
	}
	if shared.cluster == nil {
		// The server outlives the test that happens to start it.
		cluster, err := Start(context.WithoutCancel(t.Context()), Config{InMemory: true})
		if err != nil {
			t.Fatalf("start shared server: %v", err)
		}
		shared.cluster = cluster
	}
	return shared.cluster
}
