package refresh_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/refresh"
)

// What others do to a live view, and to what it reads, the next refresh mends, or names.
func TestLive_WhatOthersDoIsMendedOrNamed(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	sales, live := b.liveOver(t, catalog.Swap)
	b.exec(t, `COMMENT ON VIEW bi.regions IS 'ours'; ALTER VIEW bi.regions SET (security_barrier = true)`)
	if _, err := b.runner.Refresh(t.Context(), refresh.Request{View: live.Name}); err != nil { // which sees that
		t.Fatal(err)
	}
	before := b.dressed(t, live)
	for _, m := range []meddling{
		{name: "view dropped", do: `DROP VIEW bi.regions`},
		{name: "view renamed", do: `ALTER VIEW bi.regions RENAME TO elsewhere`},
		{name: "view given away", sudo: `ALTER VIEW bi.regions OWNER TO postgres`, named: "belongs to postgres", undo: `ALTER VIEW bi.regions OWNER TO redcache_owner`},
		{name: "another relation under the name", do: `DROP VIEW bi.regions; CREATE TABLE bi.regions (x int)`, named: "its name belongs to a table", undo: `DROP TABLE bi.regions`},
		{name: "generation renamed", do: `ALTER VIEW @gen RENAME TO elsewhere`},
		{name: "generation dropped", do: `DROP VIEW @gen CASCADE`},
		{name: "generation given away", sudo: `ALTER VIEW @gen OWNER TO postgres`},
		{name: "a table in place of the generation", do: `DROP VIEW @gen CASCADE; CREATE TABLE @gen (region text, sales bigint, amount numeric)`},
		{name: "rights of the owner revoked", do: `REVOKE ALL ON @gen FROM redcache_owner`},
		{name: "input dropped", do: `DROP VIEW bi.sales CASCADE`},
		{name: "all dropped", do: `DROP SCHEMA bi CASCADE`},
	} {
		generation := strings.Trim(rows(t, b.pool, `SELECT 'v' || c.view_id || '_g' || c.generation FROM redcache.copy c
			JOIN redcache.view v ON v.id = c.view_id WHERE v.view_name = 'regions'`)[0], `" `)
		b.exec(t, strings.ReplaceAll(m.do, "@gen", "redcache_data."+generation))
		b.sudo(t, strings.ReplaceAll(m.sudo, "@gen", "redcache_data."+generation))
		b.refresh(t, refresh.Request{View: sales.Name})
		_, err := b.runner.Refresh(t.Context(), refresh.Request{View: live.Name})
		if m.named != "" {
			if err == nil || !strings.Contains(err.Error(), m.named) {
				t.Errorf("%s: %v, want what says %q", m.name, err, m.named)
			}
			b.sudo(t, m.undo)
			_, err = b.runner.Refresh(t.Context(), refresh.Request{View: live.Name})
		}
		if err != nil {
			t.Fatalf("%s: %v", m.name, err)
		}
		b.wantLive(t, live)
		if after := b.dressed(t, live); !equalRows(before, after) {
			t.Errorf("%s: what was on the view has become\n%v, it was\n%v", m.name, after, before)
		}
		b.sudo(t, `DROP VIEW IF EXISTS redcache_data.elsewhere; DROP VIEW IF EXISTS `+"redcache_data."+generation+`_ CASCADE`)
	}
	if err := b.definer.Drop(t.Context(), live.Name); err != nil {
		t.Error(err)
	}
}

// Who reads a live view sees in each statement one era of it and of what it reads, also while these are refreshed.
func TestLive_ReadersSeeOneEra(t *testing.T) {
	t.Parallel()
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Merge, catalog.Nonconcurrent} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, batchSQL...)
			v := b.batchView("items", strategy, catalog.DblinkTransport)
			b.add(t, v)
			live := b.localView("few", "SELECT i.id, i.batch FROM bi.items i WHERE i.id % 2 = 0", catalog.Live)
			if _, err := b.definer.Add(t.Context(), live, false, nil); err != nil {
				t.Fatal(err)
			}
			stop := make(chan struct{})
			reads, latest := 0, 0
			ended := b.keepReading(t, time.Millisecond, stop, func(ctx context.Context, conn *pgx.Conn) bool {
				reads++
				latest = max(latest, wantOneMoment(t, ctx, conn, reads%2 == 0, `SELECT min(f.batch), max(i.batch), count(*)::integer
					FROM bi.few f JOIN bi.items i ON i.id = f.id AND i.batch = f.batch`, 100))
				return !t.Failed()
			})
			for batch := 1; batch <= 8; batch += 2 { // those that replace even ids by even ones
				b.nextBatch(t, batch)
				b.refresh(t, refresh.Request{View: v.Name})
			}
			close(stop)
			await(t, ended)
			if reads < 20 || latest < 5 {
				t.Errorf("%d reads up to batch %d, which proves little", reads, latest)
			}
		})
	}
}

// wantOneMoment wants what a statement returns, the lowest, the highest and how many, to be of one batch or era, and as many; in
// one snapshot twice the same.
func wantOneMoment(t *testing.T, ctx context.Context, conn *pgx.Conn, snapshot bool, query string, want int) int {
	level := pgx.ReadCommitted
	if snapshot {
		level = pgx.RepeatableRead
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: level})
	if err != nil {
		t.Error(err)
		return 0
	}
	defer tx.Rollback(ctx)
	first := -1
	for range 2 {
		var low, high, n int
		err := tx.QueryRow(ctx, query).Scan(&low, &high, &n)
		if err != nil || low != high || n != want || snapshot && first >= 0 && low != first {
			t.Errorf("a reader sees %d to %d, %d rows, and %d before; a snapshot: %v; %v", low, high, n, first, snapshot, err)
			return 0
		}
		first = low
	}
	return first
}

// What a dry run of what has to do with live views prints is what runs.
func TestPlan_OfALiveViewIsWhatRuns(t *testing.T) {
	t.Parallel()
	p := setupLogged(t)
	sales := p.salesView(catalog.Swap)
	sales.Name.View = "sales"
	p.bundle.add(t, sales)
	live := p.localView("regions", liveQuery, catalog.Live)
	p.add(t, live, false)
	p.alter(t, live.Name, "a column comes", false, func(v *catalog.View) { v.Query = "SELECT region, 1 AS n FROM bi.sales" })
	p.alter(t, live.Name, "a column goes", false, func(v *catalog.View) { v.Query = "SELECT region FROM bi.sales" })
	p.alter(t, sales.Name, "its input is made anew", false, func(v *catalog.View) { v.Query = "SELECT region, id, amount FROM public.sales" })
	p.alter(t, live.Name, "a promise", false, func(v *catalog.View) { v.MaxAge = time.Hour })
	p.exec(t, `DROP VIEW bi.sales CASCADE`)
	p.refresh(t, refresh.Request{View: sales.Name})
	p.refresh(t, refresh.Request{View: live.Name})
	p.alter(t, live.Name, "it keeps rows", false, func(v *catalog.View) { v.Strategy = catalog.Swap })
	p.alter(t, live.Name, "it keeps none", false, func(v *catalog.View) { v.Strategy = catalog.Live })
	p.drop(t, live.Name)
	p.wantNothingLeft(t)
}

// Who may not see all rows of an input does not see them through a live view that asks with its reader's rights, and one whose
// rows have policies of their own does not lose them without a word.
func TestLive_PoliciesHold(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	sales, live := b.liveOver(t, catalog.Swap)
	b.exec(t, `DO $$ DECLARE gen text := (SELECT 'redcache_data.v' || view_id || '_g' || generation FROM redcache.copy ORDER BY view_id LIMIT 1);
		BEGIN EXECUTE 'ALTER TABLE ' || gen || ' ENABLE ROW LEVEL SECURITY';
		EXECUTE 'CREATE POLICY north ON ' || gen || ' USING (region = ''north'')';
		EXECUTE 'GRANT SELECT ON ' || gen || ' TO ' || quote_ident('`+pgtest.Reader+`'); END $$;
		GRANT USAGE ON SCHEMA redcache_data TO `+pgtest.Reader+`; ALTER VIEW bi.sales SET (security_invoker = true)`)
	north := func() {
		t.Helper()
		b.wantRows(t, live, rows(t, b.source.Engine, "SELECT region, count(*), sum(amount) FROM public.sales WHERE region = 'north' GROUP BY region"))
	}
	north()
	b.refresh(t, refresh.Request{View: sales.Name})
	north()

	_, err := b.definer.Alter(t.Context(), live.Name, func(v *catalog.View) error { v.Strategy = catalog.Swap; return nil }, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.exec(t, `DO $$ BEGIN EXECUTE 'ALTER TABLE redcache_data.v2_g2 ENABLE ROW LEVEL SECURITY'; END $$`)
	_, err = b.definer.Alter(t.Context(), live.Name, func(v *catalog.View) error { v.Strategy = catalog.Live; return nil }, false, nil)
	if err == nil || !strings.Contains(err.Error(), "row-level security is on its rows, and a view cannot have it") {
		t.Errorf("it becomes live: %v", err)
	}
	b.wantNoSets(t)
}

// What readers saw of a live view is kept as its definition alone: it keeps nobody from changing what it read, and readers go back
// to it as they do to rows.
func TestLive_IsKeptWithoutARelation(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	sales, live := b.liveOver(t, catalog.Swap)
	keeping := b.definer.Keeping(time.Hour)
	ask := func(query string) {
		t.Helper()
		if _, err := keeping.Apply(t.Context(), []refresh.Change{{Name: live.Name, Define: func(v *catalog.View) error { v.Query = query; return nil }}}); err != nil {
			t.Fatal(err)
		}
	}
	ask("SELECT region FROM bi.sales")
	b.wantNothingLeft(t)
	if _, _, err := b.definer.Rollback(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	b.wantLive(t, live)
	b.wantNothingLeft(t)

	if _, err := keeping.Apply(t.Context(), []refresh.Change{{Name: sales.Name, Define: func(v *catalog.View) error {
		v.Query = "SELECT amount, region, id FROM public.sales"
		return nil
	}}}); err != nil {
		t.Fatal(err)
	}
	late := b.localView("late", "SELECT id FROM bi.sales", catalog.Live)
	if _, err := b.definer.Add(t.Context(), late, false, nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.definer.Rollback(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "view bi.late is made over what changes") {
		t.Errorf("readers go back below what was made since: %v", err)
	}
	b.wantLive(t, live)
	if err := b.definer.Drop(t.Context(), late.Name); err != nil {
		t.Fatal(err)
	}
	ask("SELECT region FROM bi.sales")
	_, err := b.definer.Alter(t.Context(), sales.Name, func(v *catalog.View) error { v.Query = "SELECT region, id FROM public.sales"; return nil }, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.definer.Rollback(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "nothing is kept to go back to") {
		t.Errorf("readers go back to what has changed since: %v", err) // it was made anew with its input
	}
	b.wantRows(t, live, rows(t, b.source.Engine, "SELECT region FROM public.sales"))
	b.wantNothingLeft(t)
}

// A process that is killed before any of its statements adds a view without rows or does not, and drops it or does not.
func TestLive_KilledAtAnyStatement(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	b.liveOver(t, catalog.Swap)
	v := b.localView("over", "SELECT region FROM bi.regions", catalog.Live)
	d := b.doomed(t)
	definer := refresh.NewDefiner(d.pool, d.runner)
	d.kill = func(*pgx.Conn) {
		d.mu.Lock()
		d.dead = true
		d.mu.Unlock()
		b.terminate(t, `application_name = 'doomed'`)
	}
	cleaner := refresh.NewRunner(b.pool, refresh.Config{Backoff: quick, Silence: time.Nanosecond})
	for what, do := range map[string]func() error{
		"add":  func() error { _, err := definer.Add(t.Context(), v, false, nil); return err },
		"drop": func() error { return definer.Drop(t.Context(), v.Name) },
	} {
		kills := 0
		for after := 0; !t.Failed(); after += 3 {
			if _, err := b.store.View(t.Context(), v.Name); (err == nil) == (what == "add") {
				other := map[string]func() error{
					"add":  func() error { return b.definer.Drop(t.Context(), v.Name) },
					"drop": func() error { _, err := b.definer.Add(t.Context(), v, false, nil); return err },
				}[what]
				if err := other(); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if sent := d.until(after, func() { err = do() }); sent <= after {
				if err != nil {
					t.Errorf("%s, undisturbed: %v", what, err)
				}
				break
			}
			kills++
			if err := cleaner.CleanUp(t.Context()); err != nil {
				t.Error(err)
			}
			_, gone := b.store.View(t.Context(), v.Name)
			if _, err := tryRows(t.Context(), b.readers, "SELECT * FROM bi.over"); (err == nil) != (gone == nil) {
				t.Errorf("%s, killed before statement %d: readers get %v, the catalog has %v", what, after, err, gone)
			}
			b.wantNoSets(t)
			b.wantNothingLeft(t)
		}
		if kills < 3 {
			t.Errorf("%s was killed %d times, which proves little", what, kills)
		}
	}
}

// Where readers leave no moment for an input that is made anew, it stays as it is: it could not be shown later without what is made
// over it.
func TestLive_ItsInputIsNotHandedOver(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	sales, live := b.liveOver(t, catalog.Incremental)
	reader := b.oldReader(t)
	anew := func(v *catalog.View) error {
		v.Query = "SELECT amount, region, id, updated_at FROM public.sales"
		return nil
	}
	if _, err := b.impatient().Alter(t.Context(), sales.Name, anew, false, nil); err == nil || !strings.Contains(err.Error(), "transaction") {
		t.Errorf("it is left to the next refresh: %v", err)
	}
	b.wantNoSets(t)
	leave(t, reader)
	b.change(t, `DELETE FROM public.sales WHERE id <= 400`)
	b.refresh(t, refresh.Request{View: sales.Name, Whole: true})
	b.wantEqual(t, sales)
	if _, err := b.definer.Alter(t.Context(), sales.Name, anew, false, nil); err != nil {
		t.Error(err)
	}
	b.wantLive(t, live)
	b.wantNothingLeft(t)
}
