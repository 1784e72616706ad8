package doctor_test

import (
	"testing"
	"time"

	"github.com/redcache/redcache/doctor"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	for major, want := range map[int]doctor.Result{12: doctor.Failed, 13: doctor.OK, 18: doctor.OK, 19: doctor.Warning} {
		if got := doctor.JudgeVersion(major, "x"); got.Result != want {
			t.Errorf("PostgreSQL %d: got %s, want %s", major, got.Result, want)
		}
	}
}

func TestExtensions(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartFor(t, pgtest.Config{Extensions: []string{}})
	name, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{cfg: doctor.Config{Now: time.Now}}
	b.connect(t, cluster.OwnerURL(name))
	checks := b.examine(t)
	wants(t, checks, "extensions", doctor.Failed, "extension dblink", "CREATE EXTENSION postgres_fdw")
	wants(t, checks, "catalog", doctor.Failed, "version 0", "cachectl init")
}

func TestOwnRights(t *testing.T) {
	t.Parallel()
	b := onServer(t)
	b.sudo(t, `ALTER DATABASE `+b.name+` OWNER TO postgres`)
	b.wants(t, "own-rights", doctor.Warning, "it may not make schemas", `GRANT CREATE ON DATABASE "`+b.name)
	b.sudo(t, `REVOKE TEMPORARY ON DATABASE `+b.name+` FROM PUBLIC`)
	b.wants(t, "own-rights", doctor.Failed, "temporary tables", `GRANT TEMPORARY ON DATABASE`)
	b.exec(t, `DROP SCHEMA redcache, redcache_data CASCADE`)
	b.wants(t, "own-rights", doctor.Failed, "it may not make schemas", "GRANT CREATE")
	b.sudo(t, `CREATE SCHEMA redcache`)
	b.wants(t, "own-rights", doctor.Failed, "belongs to postgres")
	b.connect(t, b.cluster.AdminURL(b.name))
	b.wants(t, "own-rights", doctor.Warning, "it is a superuser")
}

func TestStatementRecording(t *testing.T) {
	t.Parallel()
	b := onServer(t)
	b.sudo(t, `ALTER ROLE redcache_owner IN DATABASE `+b.name+` SET log_min_messages = 'debug1'`)
	b.reconnect()
	b.wants(t, "statement-recording", doctor.Failed, "log_min_messages", "ALTER ROLE")
}

func TestProcessClock(t *testing.T) {
	t.Parallel()
	b := onServer(t)
	for _, off := range []time.Duration{-time.Minute, time.Minute} {
		b.cfg.Now = func() time.Time { return time.Now().Add(off) }
		b.wants(t, "process-clock", doctor.Warning, "differ by 1m0s", "NTP")
	}
	b.cfg.Now = func() time.Time { return time.Now().Add(5 * time.Second) }
	b.wants(t, "process-clock", doctor.OK)
}

func TestPooler(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "sales", nil)
	for _, tt := range []struct {
		name      string
		cfg       pgtest.PoolerConfig
		mode      doctor.Result
		says      string
		size      doctor.Result
		otherwise bool // the other checks can be made
	}{
		{"transaction", pgtest.PoolerConfig{}, doctor.OK, "transaction mode", doctor.OK, true},
		{"session", pgtest.PoolerConfig{Mode: "session"}, doctor.OK, "session mode", doctor.OK, true},
		{"too small", pgtest.PoolerConfig{Size: 2}, doctor.OK, "transaction mode", doctor.Failed, true},
		{"statement", pgtest.PoolerConfig{Mode: "statement"}, doctor.Failed, "statement mode", doctor.Failed, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pooler := pgtest.PoolerFor(t, b.cluster, tt.cfg)
			own := *b
			own.connect(t, pooler.OwnerURL(b.name))
			checks := own.examine(t)
			wants(t, checks, "pooler", tt.mode, tt.says)
			wants(t, checks, "pool-size", tt.size)
			if tt.otherwise {
				wants(t, checks, "link-reach", doctor.OK)
				wants(t, checks, "view-stale", doctor.OK)
			} else {
				wants(t, checks, "catalog", doctor.Unknown, "could not be checked")
			}
		})
	}
}

func TestConnections(t *testing.T) {
	t.Parallel()
	b := setup(t, "max_connections", "40")
	worker, err := infra.OpenPool(t.Context(), infra.DatabaseConfig{
		URL: b.cluster.OwnerURL(b.name), MaxConns: 1, Application: "redcache worker host:1",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(worker.Close)
	b.wants(t, "connections", doctor.OK, "1 worker", "may open 9 more")
	b.sudo(t, `ALTER ROLE redcache_owner CONNECTION LIMIT 9`)
	b.wants(t, "connections", doctor.Warning, "the role's limit", "1 worker may open 9 more")
	b.sudo(t, `ALTER ROLE redcache_owner CONNECTION LIMIT -1`)
	b.sudo(t, `ALTER DATABASE `+b.name+` CONNECTION LIMIT 9`)
	b.wants(t, "connections", doctor.Warning, "the database's limit")
	b.sudo(t, `ALTER DATABASE `+b.name+` CONNECTION LIMIT -1`)

	for range 32 { // of 40, less 3 that are reserved
		conn, err := pgtest.OpenPool(t, b.cluster.AdminURL("postgres")).Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Release()
	}
	b.reconnect()
	b.wants(t, "connections", doctor.Failed, "max_connections", "a refresh needs 3")
}
