package doctor_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/doctor"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

func TestReplicationSlots(t *testing.T) {
	t.Parallel()
	b := setup(t, "max_wal_size", "32MB")
	b.sudo(t, `SELECT pg_create_physical_replication_slot('forgotten', true)`)
	b.wants(t, "replication-slots", doctor.OK, "1 replication slot")
	b.writeLog(t)
	b.wants(t, "replication-slots", doctor.Warning, "replication slot forgotten", "nobody reads from it",
		"pg_drop_replication_slot")
}

// writeLog fills more log than max_wal_size.
func (b *bundle) writeLog(t testing.TB) {
	t.Helper()
	for range 4 { // segments of 16 MB
		b.sudo(t, `CREATE TABLE public.logged (a int); DROP TABLE public.logged`)
		b.sudo(t, `SELECT pg_switch_wal()`)
	}
}

// A standby is a copy of everything, made as an operator makes it. On it, nothing can be refreshed; of it, the primary
// knows how far behind it is.
func TestReplicas(t *testing.T) {
	t.Parallel()
	b := setup(t, "max_wal_size", "32MB", "wal_keep_size", "1GB") // what it has not fetched yet must stay
	b.add(t, "sales", nil)
	standby := pgtest.StandbyFor(t, b.cluster, "away")
	replica := *b
	replica.connect(t, standby.OwnerURL(b.name))
	checks := replica.examine(t)
	wants(t, checks, "primary", doctor.Failed, "this server is a standby", "name the primary")
	wants(t, checks, "view-empty", doctor.OK) // what can be checked is
	wants(t, checks, "replicas", doctor.OK)
	wantReadOnly(t, pgtest.OpenPool(t, standby.OwnerURL(b.name)))

	b.wants(t, "primary", doctor.OK)
	b.wants(t, "replicas", doctor.Unknown, "replica away", "pg_read_all_stats")
	b.sudo(t, `GRANT pg_read_all_stats TO redcache_owner`)
	b.wants(t, "replicas", doctor.OK, "1 replica, none far behind")
	execute(t, pgtest.OpenPool(t, standby.AdminURL(b.name)), `SELECT pg_wal_replay_pause()`)
	b.writeLog(t)
	deadline := time.Now().Add(20 * time.Second)
	for row(t, b.admin, `SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn)), 0) > 32 * 1024 * 1024
		FROM pg_stat_replication r, pg_sleep(0.02)`) != "(t)" {
		if time.Now().After(deadline) {
			t.Fatal("the standby does not fall behind")
		}
	}
	b.wants(t, "replicas", doctor.Warning, "replica away", "of log")
}

// wantReadOnly wants what only looks to work on a standby, and what writes to say that it is one.
func wantReadOnly(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	store := catalog.In(pool)
	_, err := store.Links(t.Context())
	if err := errors.Join(err, store.Ready(t.Context())); err != nil {
		t.Errorf("looking on: %v", err)
	}
	_, writing := infra.Pinned(pool).Exec(t.Context(), `DELETE FROM redcache.generation`)
	for what, err := range map[string]error{"asked": store.Writable(t.Context()), "writing": writing} {
		if !errors.Is(err, infra.ErrReadOnly) || !strings.Contains(infra.Hint(err), "primary") {
			t.Errorf("%s: %v, hint %q", what, err, infra.Hint(err))
		}
	}
}
