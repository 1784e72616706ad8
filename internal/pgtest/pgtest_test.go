package pgtest_test

import (
	"testing"

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
