package refresh_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/refresh"
)

// app makes a role for an application, and returns its name.
func (b *bundle) app(t *testing.T) string {
	t.Helper()
	role := "app_" + b.cache.Name
	err := b.cache.Admin(t.Context(), b.cache.Name, "CREATE ROLE "+role+" LOGIN PASSWORD 'app'")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := b.cache.Admin(context.Background(), b.cache.Name, "DROP OWNED BY "+role, "DROP ROLE "+role)
		if err != nil {
			t.Error(err)
		}
	})
	return role
}

func TestAdd_GrantsLetAnApplicationReadAndNothingElse(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	role := b.app(t)
	v := b.salesView(catalog.Incremental)
	v.Grantees = []string{role}
	b.add(t, v)
	pool := pgtest.OpenPool(t, b.cache.Cluster.URL(b.cache.Name, role, "app"))
	if n := len(rows(t, pool, "SELECT * FROM "+v.Name.SQL())); n != 1000 {
		t.Errorf("the application sees %d rows", n)
	}
	if n := len(rows(t, pool, "SELECT * FROM redcache.freshness")); n != 1 {
		t.Errorf("the application sees %d lines of freshness", n)
	}
	for _, forbidden := range []string{
		"DELETE FROM " + v.Name.SQL(), "SELECT * FROM redcache.link", "SELECT * FROM redcache_data.v1_g1",
		"REFRESH MATERIALIZED VIEW redcache_data.v1_g1", "SELECT * FROM redcache.run",
	} {
		if _, err := tryRows(t.Context(), pool, forbidden); err == nil {
			t.Errorf("the application may %s", forbidden)
		}
	}
	for name, change := range map[string]func(*catalog.View){
		"only the grants":           func(v *catalog.View) { v.Grantees = nil },
		"a new generation, as well": func(v *catalog.View) { v.Grantees, v.Indexes = nil, []string{"region"} },
	} {
		if err := <-b.alter(t.Context(), v.Name, change); err != nil {
			t.Fatal(err)
		}
		if _, err := tryRows(t.Context(), pool, "SELECT * FROM "+v.Name.SQL()); err == nil {
			t.Errorf("after a change of %s, the application may still read", name)
		}
		if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Grantees = []string{role} }); err != nil {
			t.Fatal(err)
		}
		if n := len(rows(t, pool, "SELECT * FROM "+v.Name.SQL())); n != 1000 {
			t.Errorf("the application sees %d rows", n)
		}
	}
}

func TestAlter_KeepsNameGrantsCommentAndDependents(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	role := b.app(t)
	v := b.salesView(catalog.Concurrent)
	b.add(t, v)
	for _, statement := range []string{
		"GRANT SELECT ON " + v.Name.SQL() + " TO " + role + " WITH GRANT OPTION",
		"GRANT SELECT ON " + v.Name.SQL() + " TO PUBLIC",
		"COMMENT ON VIEW " + v.Name.SQL() + " IS 'it''s ours'",
		"CREATE VIEW bi.report AS SELECT region, sum(amount) FROM " + v.Name.SQL() + " GROUP BY region",
	} {
		if _, err := b.pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	decorations := func() []string {
		return rows(t, b.pool, `SELECT relacl, obj_description(oid, 'pg_class') FROM pg_class WHERE oid = '`+v.Name.SQL()+`'::regclass`)
	}
	before := decorations()
	alter := func(change func(*catalog.View)) (catalog.Run, error) {
		return b.definer.Alter(t.Context(), v.Name, func(v *catalog.View) error { change(v); return nil }, false, nil)
	}
	// The strategy, a row filter and another column: what depends on the view stays.
	for _, change := range []func(*catalog.View){
		func(v *catalog.View) { v.Strategy, v.Watermark, v.Lookback = catalog.Incremental, "updated_at", "1m" },
		func(v *catalog.View) { v.Strategy, v.Watermark, v.Lookback = catalog.Concurrent, "", "" },
		func(v *catalog.View) {
			v.Query = "SELECT id, region, amount, note, updated_at, id * 2 AS twice FROM public.sales WHERE id > 500"
		},
	} {
		if _, err := alter(func(w *catalog.View) { change(w); change(&v) }); err != nil {
			t.Fatalf("%v\nhint: %s", err, infra.Hint(err))
		}
		b.wantEqual(t, v)
		if got := decorations(); !slices.Equal(got, before) {
			t.Errorf("grants and comment are %v, before they were %v", got, before)
		}
		if n := len(rows(t, b.pool, "SELECT * FROM bi.report")); n != 7 {
			t.Errorf("the dependent view has %d rows", n)
		}
	}
	// A column that goes away cannot be taken from under a dependent view: said, and nothing changed.
	drop := func(v *catalog.View) { v.Query = "SELECT id, region FROM public.sales" }
	_, err := alter(drop)
	if err == nil || !strings.Contains(infra.Hint(err), "bi.report") {
		t.Errorf("got %v, hint %q; want the dependent view named", err, infra.Hint(err))
	}
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, v)
	if _, err := b.pool.Exec(t.Context(), "DROP VIEW bi.report"); err != nil {
		t.Fatal(err)
	}
	if _, err := alter(func(w *catalog.View) { drop(w); drop(&v) }); err != nil {
		t.Fatal(err)
	}
	b.wantEqual(t, v)
	if got := decorations(); !slices.Equal(got, before) {
		t.Errorf("grants and comment are %v, before they were %v", got, before)
	}
	b.wantNothingLeft(t)
}

func TestAlter_PutsTheOldDefinitionBackWhenTheLoadFails(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Concurrent)
	b.add(t, v)
	before, err := b.store.View(t.Context(), v.Name)
	if err != nil {
		t.Fatal(err)
	}
	run, err := b.definer.Alter(t.Context(), v.Name, func(v *catalog.View) error {
		v.Query = "SELECT id % 10 AS id, region, amount, note, updated_at FROM public.sales"
		return nil
	}, false, nil)
	if err == nil || run.State != catalog.Failed || !strings.Contains(err.Error(), "(100 rows)") {
		t.Errorf("got %s, %v; want a failure that shows repeated keys", run.State, err)
	}
	after, err := b.store.View(t.Context(), v.Name)
	if err != nil {
		t.Fatal(err)
	}
	if after.Query != before.Query || after.Generation != before.Generation {
		t.Errorf("definition is %+v, want %+v", after, before)
	}
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, v)
	b.wantNothingLeft(t)
}

func TestAlter_WaitsForReadersInShortSteps(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Concurrent)
	b.add(t, v)
	reader := b.longReader(t, v)
	altered := b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Indexes = []string{"region"} })
	// While the long reader holds the view back, new readers have to wait for one short try at most.
	var worst time.Duration
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); {
		start := time.Now()
		rows(t, b.readers, "SELECT count(*) FROM "+v.Name.SQL())
		worst = max(worst, time.Since(start))
	}
	select {
	case err := <-altered:
		t.Errorf("the view was altered under a reader: %v", err)
	default:
	}
	if worst > 2*time.Second { // a short try and a busy machine, but never as long as the long reader
		t.Errorf("a reader waited for %s", worst)
	}
	leave(t, reader)
	if err := await(t, altered); err != nil {
		t.Error(err)
	}
	b.wantNothingLeft(t)
}

func TestDrop_NamesDependentsAndRemovesEverything(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Incremental)
	b.add(t, v)
	if _, err := b.pool.Exec(t.Context(), "CREATE VIEW bi.report AS SELECT id FROM "+v.Name.SQL()); err != nil {
		t.Fatal(err)
	}
	if err := b.definer.Drop(t.Context(), v.Name); err == nil || !strings.Contains(infra.Hint(err), "bi.report") {
		t.Errorf("got %v, hint %q", err, infra.Hint(err))
	}
	b.wantEqual(t, v)
	if _, err := b.pool.Exec(t.Context(), "DROP VIEW bi.report"); err != nil {
		t.Fatal(err)
	}
	if err := b.definer.Drop(t.Context(), v.Name); err != nil {
		t.Fatal(err)
	}
	left := rows(t, b.pool, `SELECT relname FROM pg_class WHERE relnamespace IN ('redcache_data'::regnamespace, 'bi'::regnamespace)
		UNION ALL SELECT 'run' FROM redcache.run UNION ALL SELECT 'state' FROM redcache.state UNION ALL SELECT 'generation' FROM redcache.generation`)
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	var missing *catalog.NotFoundError
	if err := b.definer.Drop(t.Context(), v.Name); !errors.As(err, &missing) {
		t.Errorf("dropping it again: %v", err)
	}
}

func TestAdd_NoDataPublishesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Incremental)
	if _, err := b.definer.Add(t.Context(), v, true, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := tryRows(t.Context(), b.pool, "SELECT * FROM "+v.Name.SQL()); err == nil {
		t.Error("a view without data can be read")
	}
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, v)
}

func TestRefresh_SkipNamesTheHolderAndWaitWaits(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Concurrent)
	b.add(t, v)
	holder := b.holder(t, v)
	run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
	if err != nil || run.State != catalog.Skipped || !strings.Contains(*run.Holder, "redcache") {
		t.Errorf("got %s, %v, holder %v; want a skipped run", run.State, err, run.Holder)
	}
	waiting := make(chan refresh.Phase, 10)
	waited := b.refreshing(t.Context(), refresh.Request{
		View: v.Name, Wait: 10 * time.Second, Progress: func(p refresh.Phase) { waiting <- p },
	})
	if phase := await(t, waiting); phase != refresh.Locking {
		t.Errorf("first phase is %s", phase)
	}
	leave(t, holder)
	wantSucceeded(t, waited)
	b.wantNothingLeft(t)
}

func TestRefresh_GivesUpOnReadersThatNeverLeave(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Nonconcurrent)
	b.add(t, v)
	reader := b.longReader(t, v)
	const patience = time.Second
	runner := refresh.NewRunner(b.pool, refresh.Config{Patience: patience})
	started := time.Now()
	run, err := runner.Refresh(t.Context(), refresh.Request{View: v.Name})
	if err == nil || run.State != catalog.Failed || run.Attempts != 1 ||
		!strings.Contains(err.Error(), "readers kept it in use") || !strings.Contains(infra.Hint(err), "pg_stat_activity") {
		t.Errorf("got %s after %d attempts, %v, hint %q", run.State, run.Attempts, err, infra.Hint(err))
	}
	if took := time.Since(started); took < patience || took > 20*time.Second {
		t.Errorf("it was patient for %s", took)
	}
	leave(t, reader)
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, v)
	b.wantNothingLeft(t)
}
