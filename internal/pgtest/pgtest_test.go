package pgtest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestNew_IsAnOrdinaryRoleWithExtensions(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool(t)
	var user string
	var super, extensions bool
	err := pool.QueryRow(t.Context(), `
		SELECT current_user, usesuper,
		       (SELECT count(*) = 2 FROM pg_extension WHERE extname IN ('dblink', 'postgres_fdw'))
		FROM pg_user WHERE usename = current_user`).Scan(&user, &super, &extensions)
	if err != nil {
		t.Fatal(err)
	}
	if user != pgtest.Owner || super || !extensions {
		t.Errorf("got user %s, superuser %v, extensions %v; want %s, false, true", user, super, extensions, pgtest.Owner)
	}
}

func TestNew_GivesEachTestItsOwnDatabase(t *testing.T) {
	t.Parallel()
	first, second := pgtest.New(t), pgtest.New(t)
	if _, err := first.Pool(t).Exec(t.Context(), "CREATE SCHEMA mine"); err != nil {
		t.Fatal(err)
	}
	var seen bool
	err := second.Pool(t).QueryRow(t.Context(), "SELECT to_regnamespace('mine') IS NOT NULL").Scan(&seen)
	if err != nil {
		t.Fatal(err)
	}
	if seen {
		t.Error("the second database sees the schema of the first")
	}
}

func TestCluster_KeepsCommittedRowsOverACrash(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartFor(t, pgtest.Config{Settings: map[string]string{"fsync": "on", "synchronous_commit": "on"}})
	name, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.Admin(t.Context(), name, "CREATE TABLE kept AS SELECT 7 AS n"); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Halt(true); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := pgtest.OpenPool(t, cluster.AdminURL(name)).QueryRow(t.Context(), "SELECT n FROM kept").Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n != 7 {
		t.Errorf("got %d, want 7", n)
	}
}

// The address of a server may be asked for while the server is started again: its readers never stop asking.
func TestCluster_KeepsItsAddressOverARestart(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartFor(t, pgtest.Config{})
	before := cluster.ReaderURL("postgres")
	restarted := make(chan error, 1)
	go func() { restarted <- errors.Join(cluster.Halt(false), cluster.Resume(context.Background())) }()
	for {
		if now := cluster.ReaderURL("postgres"); now != before {
			t.Errorf("the address was %s, now it is %s", before, now)
		}
		select {
		case err := <-restarted:
			if err != nil {
				t.Error(err)
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// A copy of a base has what the base has, and what becomes of the copy leaves the base as it is.
func TestNewFrom_CopiesTheBase(t *testing.T) {
	t.Parallel()
	filled := 0
	base := pgtest.Base{Name: "with_a_table", Fill: func(ctx context.Context, c *pgtest.Cluster, database string) error {
		filled++
		return c.Admin(ctx, database, "CREATE TABLE public.kept AS SELECT 7 AS n")
	}}
	for range 2 {
		pool := pgtest.NewFrom(t, base).AdminPool(t)
		var n int
		if err := pool.QueryRow(t.Context(), "UPDATE kept SET n = n + 1 RETURNING n").Scan(&n); err != nil || n != 8 {
			t.Errorf("got %d, %v; want 8", n, err)
		}
	}
	if filled != 1 {
		t.Errorf("the base was filled %d times", filled)
	}
}
