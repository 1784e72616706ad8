package refresh_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// Readers go back from a set, of each strategy, to what they saw before, in one moment, with what people have put on the views
// since.
func TestRollback_ShowsWhatWasSeenBefore(t *testing.T) {
	t.Parallel()
	const views = 5
	b := setup(t, batchSQL...)
	b.setOf(t, views)
	live := b.withLive(t, views)
	analyst := "analyst_" + b.cache.Name
	b.sudo(t, `CREATE ROLE `+analyst)
	b.exec(t, `GRANT SELECT ON redcache_data.v1_g1 TO `+analyst)
	b.exec(t, `ALTER TABLE redcache_data.v1_g1 ENABLE ROW LEVEL SECURITY; CREATE POLICY all_rows ON redcache_data.v1_g1 USING (true)`)
	if _, err := b.definer.Keeping(time.Hour).Apply(t.Context(), b.era(views, 1)); err != nil {
		t.Fatal(err)
	}
	b.change(t, `UPDATE public.item SET batch = 1`)
	for n := range views { // what is refreshed since has nothing to do with what is kept
		b.refresh(t, refresh.Request{View: b.memberOf(n, 1).Name})
	}
	b.wantBatches(t, 1, 1, 1, 1, 1)
	b.exec(t, `COMMENT ON VIEW bi.s01 IS 'ours'; GRANT SELECT ON bi.s01 TO `+analyst)
	mixed := b.watchEras(t, live)
	_, done, err := b.definer.Rollback(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	mixed()
	b.wantEra(t, live, 0)
	b.wantBatches(t, 0, 0, 0, 0, 0)
	for _, back := range done {
		if rowless := back.Name == b.memberOf(views, 0).Name; back.What != catalog.UndoPoint || (back.AsOf == nil) != rowless {
			t.Errorf("%+v", back)
		}
	}
	if got := rows(t, b.pool, `SELECT obj_description('bi.s01'::regclass), has_table_privilege('`+analyst+`', 'bi.s01', 'SELECT'),
		(SELECT count(*) FROM pg_policy), (SELECT relrowsecurity FROM pg_class WHERE oid = 'redcache_data.v1_g1'::regclass)`); !slices.Equal(got, []string{`"ours" "t" "1" "t" `}) {
		t.Errorf("on the views are %v", got)
	}
	for n := range views {
		b.refresh(t, refresh.Request{View: b.memberOf(n, 0).Name, Whole: true})
	}
	b.wantEra(t, live, 0)
	b.wantBatches(t, 1, 1, 1, 1, 1)
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}

// watchEras reads all views over and over until it is told to end, and wants one era each time.
func (b *bundle) watchEras(t *testing.T, views int) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() {
		looks := 0
		for ; ctx.Err() == nil; looks++ {
			var low, high, fewest, most int
			if err := b.readers.QueryRow(t.Context(), eraSQL(views)).Scan(&low, &high, &fewest, &most); err != nil || low != high || fewest != 200 || most != 200 {
				t.Errorf("readers see the eras %d to %d, %d to %d rows, %v", low, high, fewest, most, err)
			}
		}
		done <- looks
	}()
	return func() {
		cancel()
		if looks := <-done; looks == 0 {
			t.Error("nobody looked")
		}
	}
}

// What is kept goes after its time, or when its view changes again; and is dropped with its view.
func TestRollback_IsPossibleForAWhile(t *testing.T) {
	t.Parallel()
	const views = 2
	b := setup(t, batchSQL...)
	b.setOf(t, views)
	keeping := b.definer.Keeping(time.Hour)
	if _, err := keeping.Apply(t.Context(), b.era(views, 2)); err != nil {
		t.Fatal(err)
	}
	b.wantThere(t, "v1_g1", true)
	if _, err := b.definer.Alter(t.Context(), b.memberOf(0, 0).Name, func(v *catalog.View) error { v.Indexes = []string{"batch"}; return nil }, false, nil); err != nil {
		t.Fatal(err)
	}
	b.wantThere(t, "v1_g1", false)
	b.wantThere(t, "v2_g1", true)
	if _, _, err := b.definer.Rollback(t.Context(), 0); err == nil {
		t.Error("a view was changed since, and readers went back")
	}
	b.exec(t, `UPDATE redcache.set SET published_at = published_at - interval '2 h' WHERE keep > '0'`)
	if err := b.runner.CleanUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.wantThere(t, "v2_g1", false)
	b.wantNothingLeft(t)
	if _, err := keeping.Apply(t.Context(), b.era(views, 3)); err != nil {
		t.Fatal(err)
	}
	b.wantThere(t, "v2_g2", true)
	if err := b.definer.Drop(t.Context(), b.memberOf(1, 0).Name); err != nil {
		t.Fatal(err)
	}
	b.wantThere(t, "v2_g2", false)
	b.wantNoSets(t)
}

// A rollback that is killed has taken place, or has not.
func TestRollback_KilledAtAnyStatement(t *testing.T) {
	t.Parallel()
	const views = 2
	b := setup(t, batchSQL...)
	b.setOf(t, views)
	d := b.doomed(t)
	definer := refresh.NewDefiner(d.pool, d.runner)
	d.kill = func(conn *pgx.Conn) { b.terminate(t, `pid = $1`, conn.PgConn().PID()) }
	for after, struck := 0, true; struck && !t.Failed(); after++ {
		if _, err := b.definer.Keeping(time.Hour).Apply(t.Context(), b.era(views, 2)); err != nil {
			t.Fatal(err)
		}
		var err error
		struck = d.until(after, func() { _, _, err = definer.Rollback(t.Context(), 0) }) > after
		if err != nil {
			b.wantEra(t, views, 2)
			if _, _, err := b.definer.Rollback(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
		}
		b.wantEra(t, views, 0)
		for n := range views { // which drops what a killed one has left
			b.refresh(t, refresh.Request{View: b.memberOf(n, 0).Name})
		}
		b.wantNoSets(t)
		b.wantNothingLeft(t)
	}
}

// From whom a set has taken a view, he does not have it again when the set is undone.
func TestRollback_GivesNobodyBackWhatWasTakenFromHim(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	guest := "guest_" + b.cache.Name
	b.sudo(t, `CREATE ROLE `+guest)
	built, defined := b.batchView("built", catalog.Swap, catalog.StreamTransport), b.batchView("defined", catalog.Merge, catalog.DblinkTransport)
	for _, v := range []*catalog.View{&built, &defined} {
		v.Grantees = append(v.Grantees, guest)
		b.add(t, *v)
	}
	takes := func(v *catalog.View) error { v.Grantees, v.MaxAge = v.Grantees[:1], time.Hour; return nil }
	if _, err := b.definer.Keeping(time.Hour).Apply(t.Context(), []refresh.Change{
		{Name: built.Name, Define: func(v *catalog.View) error { v.Indexes = []string{"batch"}; return takes(v) }},
		{Name: defined.Name, Define: takes},
	}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.definer.Rollback(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	for _, v := range []catalog.View{built, defined} {
		if may := rows(t, b.pool, `SELECT has_table_privilege('`+guest+`', '`+v.Name.String()+`', 'SELECT')`); !slices.Equal(may, []string{`"f" `}) {
			t.Errorf("%s: the guest may read it: %v", v.Name, may)
		}
		now, _ := b.stateOf(t, v)
		if now.MaxAge != 0 || slices.Contains(now.Grantees, guest) {
			t.Errorf("%+v", now.Definition)
		}
	}
}
