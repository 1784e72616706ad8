package schedule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/catalog/migrate"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/logtest"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/refresh"
	"github.com/redcache/redcache/schedule"
)

// Where nothing can be written, whoever follows the schedule says so once, with what to do, and waits.
func TestSchedule_SaysOnceThatAStandbyTakesNoWrites(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartFor(t, pgtest.Config{Settings: map[string]string{"wal_keep_size": "1GB"}})
	name, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	primary := pgtest.OpenPool(t, cluster.OwnerURL(name))
	if _, err := migrate.Up(t.Context(), primary); err != nil {
		t.Fatal(err)
	}
	b := &bundle{pool: primary, store: catalog.In(primary), fake: newFake(), log: &logtest.Log{}}
	b.addLink(t, "a", 3, "1 hour")
	standby := pgtest.StandbyFor(t, cluster, "schedule")
	if b.pool, err = infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: standby.OwnerURL(name)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.pool.Close)
	b.store = catalog.In(b.pool)

	t.Run("worker", func(t *testing.T) {
		looks := make(chan struct{}, 1000)
		b.run(t, schedule.Config{Poll: time.Millisecond, Now: func() time.Time {
			select {
			case looks <- struct{}{}:
			default:
			}
			return time.Now()
		}})
		const said = "cache database takes no writes"
		b.awaitLog(t, said)
		b.awaitLog(t, "Let DATABASE_URL name the primary")
		for range 10 {
			select {
			case <-looks:
			case <-time.After(patience):
				t.Fatal("the loop does not turn")
			}
		}
		if n := b.logged(said); n != 1 || b.logged("out of reach") > 0 {
			t.Errorf("it is %d times in the log", n)
		}
		if n := b.fake.count("a.v1"); n != 0 {
			t.Errorf("%d refreshes were begun", n)
		}
	})
	t.Run("dispatcher", func(t *testing.T) {
		q := &queue{}
		_, err := b.dispatcher(q).Dispatch(t.Context())
		wantReadOnly(t, err)
		if sent := q.views(t); len(sent) > 0 {
			t.Errorf("messages were sent for %v", sent)
		}
	})
	t.Run("refresher", func(t *testing.T) {
		_, err := refresh.NewRunner(b.pool, refresh.Config{}).Refresh(t.Context(), refresh.Request{View: catalog.Name{Schema: "a", View: "v1"}})
		wantReadOnly(t, err)
	})
}

func wantReadOnly(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(infra.Message(err), "standby") || !strings.Contains(infra.Hint(err), "name the primary") {
		t.Errorf("got %v, hint %q; want it to name the standby and the primary", err, infra.Hint(err))
	}
}
