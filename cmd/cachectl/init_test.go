package main

import (
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/redcache/redcache/internal/pgtest"
)

// An init that is killed while it makes the catalog leaves nothing of it, and the next one makes it.
func TestRun_AnInitThatIsKilledLeavesNothing(t *testing.T) {
	t.Parallel()
	cache := pgtest.New(t)
	pool := cache.AdminPool(t)
	inTheWay, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inTheWay.Exec(t.Context(), `CREATE SCHEMA redcache_data`); err != nil { // an init waits for what becomes of it
		t.Fatal(err)
	}
	process := exec.CommandContext(t.Context(), os.Args[0], "init")
	process.Env = append(os.Environ(), asProcess+"=1", "DATABASE_URL="+cache.URL)
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	its := `FROM pg_stat_activity WHERE application_name LIKE 'cachectl %:` + strconv.Itoa(process.Process.Pid) + `'`
	await(t, pool, `SELECT count(*) > 0 `+its+` AND wait_event_type = 'Lock'`)
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = process.Wait()
	if err := inTheWay.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, pool, `SELECT count(*) = 0 `+its)
	await(t, pool, `SELECT count(*) = 0 FROM pg_namespace WHERE nspname LIKE 'redcache%'`)
	o := &operator{env: map[string]string{"DATABASE_URL": cache.URL}}
	if said := o.must(t, "init"); said != "schema redcache is now at version 7\n" {
		t.Error(said)
	}
}
