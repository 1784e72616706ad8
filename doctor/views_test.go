package doctor_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/doctor"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/refresh"
)

func TestViewFailures(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.add(t, "sales", nil)
	b.change(t, `DROP TABLE public.sales`)
	if _, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name}); err == nil {
		t.Fatal("the refresh did not fail")
	}
	b.wants(t, "view-failures", doctor.Failed, "view bi.sales", "its last refresh failed", "does not exist")
	b.exec(t, `UPDATE redcache.state SET failures = 3`)
	b.wants(t, "view-failures", doctor.Failed, "its last 3 refreshes failed")
}

// A view whose strategy this version does not have has no runs that could fail: nobody begins with it.
func TestViewFailures_OfAnUnknownStrategy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "sales", nil)
	b.exec(t, `UPDATE redcache.generation SET definition = definition || '{"strategy": "fast"}'`)
	c := b.wants(t, "view-failures", doctor.Failed, "view bi.sales", `it cannot be refreshed: strategy "fast" does not exist`)
	if want := "`cachectl alter-view bi.sales`: choose one of nonconcurrent, "; !strings.Contains(c.Fix, want) {
		t.Errorf("the fix is %q, want %q in it", c.Fix, want)
	}
	b.wants(t, "view-unread", doctor.OK)
}

func TestViewStale(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.add(t, "sales", func(v *catalog.View) { v.MaxAge = time.Minute })
	b.wants(t, "view-stale", doctor.OK)
	b.exec(t, `UPDATE redcache.generation SET as_of = now() - interval '1 hour'`)
	for _, tt := range []struct{ change, why string }{
		{`SELECT`, "it has no interval: it is refreshed on demand only; its rows are as of "},
		{`SELECT`, " ago, and it promises at most 1m"},
		{`SELECT`, "`cachectl alter-view bi.sales --every 30s`"},
		{
			`UPDATE redcache.generation SET definition = definition || '{"refresh_every": 30}'; UPDATE redcache.state SET next_due = now() + interval '1 minute'`,
			"it is refreshed every 30s, which is too seldom or takes too long; the last refresh took 0s",
		},
		{`UPDATE redcache.state SET next_due = now() - interval '10 minutes'`, "it is due for 10m"},
		{`SELECT`, ", and nobody refreshes it"},
		{
			`UPDATE redcache.run SET state = 'running', finished_at = NULL, started_at = now() - interval '5 minutes'`,
			"nobody refreshes it: no worker or Lambda has begun a refresh yet", // and the process of that run is gone
		},
		{
			`UPDATE redcache.run SET state = 'succeeded', finished_at = started_at, origin = 'worker', started_at = now() - interval '12 minutes'`,
			"nobody refreshes it: no worker or Lambda has begun a refresh since 20",
		},
		{`UPDATE redcache.run SET started_at = now() - interval '5 minutes'`, "nobody refreshes it: workers or Lambdas are behind"},
		{
			`UPDATE redcache.link_state SET rest_until = now() + interval '1 minute', rest_reason = 'paused'`,
			"its link dw rests until 20",
		},
		{`UPDATE redcache.state SET failures = 2`, "its last 2 refreshes failed"},
	} {
		b.exec(t, tt.change)
		b.wants(t, "view-stale", doctor.Failed, "view "+v.Name.String(), tt.why)
	}
	b.add(t, "total", func(v *catalog.View) {
		v.Source, v.Link, v.Key, v.Strategy, v.MaxAge = catalog.Defaults().Source, catalog.Link{}, nil, catalog.Swap, time.Minute
		v.Kind, v.Query = catalog.LocalSource, "SELECT count(*) AS n FROM bi.sales"
	})
	b.wants(t, "view-stale", doctor.Failed, "view bi.total", "it is computed from bi.sales, which is 1h", "bi.sales: its last 2 refreshes failed")
}

// An age below zero is no age.
func TestViewStale_TellsAnAsOfFromTheFuture(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "sales", func(v *catalog.View) { v.MaxAge = time.Minute })
	b.exec(t, `UPDATE redcache.generation SET as_of = now() + interval '2 days'`)
	b.wants(t, "view-stale", doctor.Failed, "its as-of is from the future", "cachectl refresh bi.sales")
}

// A run that its process has left behind is no work: only who has the view's lock is at it.
func TestViewStale_TellsARunUnderWayFromOneLeftBehind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.add(t, "sales", func(v *catalog.View) { v.MaxAge, v.RefreshEvery = time.Minute, 30*time.Second })
	b.exec(t, `UPDATE redcache.generation SET as_of = now() - interval '1 hour'; UPDATE redcache.state SET next_due = now() - interval '10 minutes'`)
	b.exec(t, `UPDATE redcache.run SET state = 'running', finished_at = NULL, origin = 'worker', started_at = now() - interval '15 minutes'`)
	checks := b.examine(t)
	wants(t, checks, "view-stale", doctor.Failed, "and nobody refreshes it: no worker")
	wants(t, checks, "view-overdue", doctor.Failed, "no worker is connected")

	tx, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) })
	if err := lock.View(t.Context(), tx, v.ID, 0); err != nil {
		t.Fatal(err)
	}
	checks = b.examine(t)
	wants(t, checks, "view-stale", doctor.Failed, "a refresh is under way", "cachectl locks")
	wants(t, checks, "view-overdue", doctor.OK)
}

func TestViewEmpty(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := catalog.NewView(catalog.Name{Schema: "bi", View: "sales"}, b.link)
	v.Query, v.Strategy = "SELECT * FROM public.sales", catalog.Swap
	if _, err := refresh.NewDefiner(b.pool, b.runner).Add(t.Context(), v, true, nil); err != nil {
		t.Fatal(err)
	}
	b.wants(t, "view-empty", doctor.Warning, "never refreshed", "cachectl refresh bi.sales")
	b.refresh(t, v)
	b.wants(t, "view-empty", doctor.OK)
}

func TestViewOverdue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "sales", func(v *catalog.View) { v.RefreshEvery = time.Minute })
	b.exec(t, `UPDATE redcache.state SET next_due = now() - interval '10 minutes'`)
	b.wants(t, "view-overdue", doctor.Failed, "bi.sales", "no worker is connected", "Start a worker")
	if err := b.store.Rest(t.Context(), b.link.ID, time.Minute, "the cluster is paused"); err != nil {
		t.Fatal(err)
	}
	checks := b.examine(t)
	wants(t, checks, "view-overdue", doctor.OK)
	wants(t, checks, "link-rest", doctor.Warning, "it rests for another", "the cluster is paused")
	if err := b.store.Rest(t.Context(), b.link.ID, 0, ""); err != nil {
		t.Fatal(err)
	}
	worker, err := infra.OpenPool(t.Context(), infra.DatabaseConfig{
		URL: b.cluster.OwnerURL(b.name), MaxConns: 1, Application: "redcache worker host:1",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(worker.Close)
	b.wants(t, "view-overdue", doctor.Warning, "1 worker is connected and behind")
}

func TestViewIndexes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	incremental := func(v *catalog.View) {
		v.Strategy, v.Watermark, v.Lookback, v.Key = catalog.Incremental, "sold_at", "10m", []string{"id", "net"}
	}
	v := b.add(t, "sales", incremental)
	b.add(t, "swapped", func(v *catalog.View) { v.Strategy = catalog.Swap })
	b.add(t, "nonconcurrent", func(v *catalog.View) { v.Strategy, v.Key = catalog.Nonconcurrent, nil })
	b.add(t, "concurrent", func(v *catalog.View) { v.Strategy = catalog.Concurrent })
	b.wants(t, "view-indexes", doctor.OK)

	relation := "redcache_data." + v.Relation(1)
	b.exec(t, `DROP INDEX `+relation+`_key; CREATE UNIQUE INDEX ON `+relation+` (id, net) WHERE id > 0`) // not over all rows
	fixed := b.wants(t, "view-indexes", doctor.Failed, "view bi.sales", "no valid unique index")
	b.exec(t, fixed.Fix)
	b.exec(t, `DROP INDEX `+relation+`_watermark`)
	fixed = b.wants(t, "view-indexes", doctor.Warning, "view bi.sales", "its watermark has no valid index")
	b.exec(t, fixed.Fix)
	b.wants(t, "view-indexes", doctor.OK)

	conn, err := b.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	wrong := `CREATE UNIQUE INDEX CONCURRENTLY ON ` + relation + ` ((1))`
	if _, err := conn.Exec(t.Context(), wrong, pgx.QueryExecModeSimpleProtocol); err == nil {
		t.Fatal("an index that cannot be unique was made")
	}
	fixed = b.wants(t, "view-indexes", doctor.Warning, "is not valid")
	drop, _, _ := strings.Cut(fixed.Fix, ";")
	b.exec(t, drop)
	b.wants(t, "view-indexes", doctor.OK)
}

func TestViewFuture(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.change(t, `INSERT INTO public.sales VALUES (101, 'infinity', 1)`)
	v := b.add(t, "sales", func(v *catalog.View) {
		v.Strategy, v.Watermark, v.Lookback = catalog.Incremental, "sold_at", "10m"
		v.Query = "SELECT * FROM public.sales WHERE sold_at < '3000-01-01'"
	})
	b.wants(t, "view-future", doctor.OK, "1 watermark in time")
	b.change(t, `INSERT INTO public.sales VALUES (102, (now() AT TIME ZONE 'UTC') + interval '2 hours', 1)`)
	b.refresh(t, v)
	b.wants(t, "view-future", doctor.Warning, "view bi.sales", "in the future by sold_at", "local time")
}

func TestViewVacuum(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "sales", nil)
	v := b.add(t, "shown", func(v *catalog.View) { v.Strategy = catalog.Concurrent })
	b.exec(t, `ALTER MATERIALIZED VIEW `+v.RelationSQL(1)+` SET (autovacuum_enabled = off)`)
	c := b.wants(t, "view-vacuum", doctor.Warning, "view bi.shown")
	b.exec(t, c.Fix)
	b.wants(t, "view-vacuum", doctor.OK)
}

func TestViewVacuum_OfTheServer(t *testing.T) {
	t.Parallel()
	b := onServer(t, "autovacuum", "off")
	b.wants(t, "view-vacuum", doctor.Failed, "autovacuum is off")
}

// Refreshes scan what they write. However often they ran, a view that nobody has read is said to be unread, and one
// reader suffices for it not to be.
func TestViewUnread(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.Watched = time.Nanosecond
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			own := *b
			own.connect(t, b.cluster.OwnerURL(b.name))
			v := own.add(t, string(strategy), func(v *catalog.View) {
				if v.Strategy = strategy; strategy == catalog.Incremental {
					v.Watermark, v.Lookback = "sold_at", "10m"
				}
			})
			for range 8 { // enough to see what each of them costs
				own.refresh(t, v)
			}
			own.flush(t)
			own.wants(t, "view-unread", doctor.Warning, "view "+v.Name.String(), "nobody seems to read it")
			for range 40 {
				own.exec(t, `SELECT count(*) FROM `+v.Name.SQL())
			}
			own.flush(t)
			for _, c := range own.examine(t) {
				if c.ID == "view-unread" && c.About == "view "+v.Name.String() {
					t.Errorf("it was read, and yet: %s", c.Finding)
				}
			}
		})
	}
}

// flush has sessions end, which is when they hand in what they counted at the latest.
func (b *bundle) flush(t *testing.T) {
	t.Helper()
	var own []uint32
	for _, conn := range b.pool.AcquireAllIdle(t.Context()) {
		own = append(own, conn.Conn().PgConn().PID())
		conn.Release()
	}
	b.pool.Reset()
	deadline := time.Now().Add(20 * time.Second)
	for {
		var left int
		err := b.admin.QueryRow(t.Context(), `
			SELECT count(*) FROM pg_stat_activity, pg_sleep(0.02) WHERE pid = ANY ($1::bigint[])`, own).Scan(&left)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%d sessions are left, %v", left, err)
		}
		if left == 0 {
			return
		}
	}
}
