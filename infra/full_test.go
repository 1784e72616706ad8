package infra_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

// Four limits have one SQLSTATE. Each is told with what raises it, at the first connection and at a later one.
func TestOpenPool_SaysWhichLimitOfConnectionsIsReached(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartFor(t, pgtest.Config{Settings: map[string]string{
		"max_connections": "7", "superuser_reserved_connections": "3", "max_wal_senders": "0", "autovacuum": "off",
	}})
	name, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	admin := pgtest.Connect(t, cluster.AdminURL(name)) // one of the seven
	alone := func(t *testing.T) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for others := -1; others != 0; {
			const count = `SELECT pg_stat_clear_snapshot()::text = '', count(*) FROM pg_stat_activity
				WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`
			if err := admin.QueryRow(ctx, count).Scan(nil, &others); err != nil {
				t.Fatal(err)
			}
		}
	}
	pool := openPool(t, cluster.OwnerURL(name)) // has none of its own once it is reset
	owner := func(t *testing.T) { t.Helper(); pgtest.Connect(t, cluster.OwnerURL(name)) }
	super := func(t *testing.T) { t.Helper(); pgtest.Connect(t, cluster.AdminURL(name)) }
	for _, tt := range []struct {
		name, set, reset string
		others           []func(*testing.T)
		want             string
	}{
		{
			"role", `ALTER ROLE redcache_owner CONNECTION LIMIT 1`, `ALTER ROLE redcache_owner CONNECTION LIMIT -1`,
			[]func(*testing.T){owner},
			"ALTER ROLE … CONNECTION LIMIT",
		},
		{
			"database", `ALTER DATABASE ` + name + ` CONNECTION LIMIT 2`, `ALTER DATABASE ` + name + ` CONNECTION LIMIT -1`,
			[]func(*testing.T){owner},
			"ALTER DATABASE … CONNECTION LIMIT",
		},
		{"all but those of superusers", `SELECT`, `SELECT`, []func(*testing.T){owner, owner, owner}, "superuser_reserved_connections"},
		{"server", `SELECT`, `SELECT`, []func(*testing.T){owner, owner, owner, super, super, super}, "raise max_connections"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			exec := func(sql string) {
				t.Helper()
				if _, err := admin.Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			pool.Reset()
			alone(t)
			exec(tt.set)
			defer exec(tt.reset)
			for _, other := range tt.others {
				other(t)
			}
			_, first := infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: cluster.OwnerURL(name), MaxConns: 1})
			later := infra.InTx(t.Context(), pool, infra.Limits{}, func(pgx.Tx) error { return nil })
			for when, err := range map[string]error{"first": first, "later": later} {
				if err == nil || !strings.Contains(infra.Hint(err), tt.want) {
					t.Errorf("%s: got %v, hint %q; want %q", when, err, infra.Hint(err), tt.want)
				}
			}
		})
	}
}
