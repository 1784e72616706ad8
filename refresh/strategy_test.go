package refresh_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// salesSQL makes a source table of a thousand rows, as a warehouse would hold it.
var salesSQL = []string{
	`CREATE TABLE public.sales (id bigint, region varchar(20), amount numeric(18,4), note text, updated_at timestamp)`,
	`INSERT INTO public.sales
	 SELECT i, 'region ' || i % 7, i / 3.0, CASE WHEN i % 5 > 0 THEN 'näíve ' || i END,
	        timestamp '2026-01-01' + i * interval '1 second'
	 FROM generate_series(1, 1000) i`,
}

const salesQuery = "SELECT id, region, amount, note, updated_at FROM public.sales -- all of them"

// salesView returns a view of the sales by a strategy, with what the strategy needs.
func (b *bundle) salesView(strategy catalog.Strategy) catalog.View {
	v := b.view("sales_"+string(strategy), salesQuery, strategy)
	if strategy != catalog.Nonconcurrent {
		v.Key = []string{"id"}
	}
	if its, _ := strategy.Traits(); its.Watermark {
		v.Watermark, v.Lookback = "updated_at", "1m"
	}
	return v
}

// retype changes the definition of a view of sales so that the published view has to be made again.
func retype(v *catalog.View) {
	v.Query = "SELECT id, region, amount::varchar(40) AS amount, note, updated_at FROM public.sales"
}

func TestStrategies_FollowTheSource(t *testing.T) {
	t.Parallel()
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			v := b.salesView(strategy)
			v.Indexes = []string{"region, amount DESC", "lower(region)", "USING hash (id)"}
			run := b.add(t, v)
			b.wantEqual(t, v)
			if *run.RowsRead != 1000 || *run.RowsInserted != 1000 {
				t.Errorf("first run read %d and inserted %d, want 1000 and 1000", *run.RowsRead, *run.RowsInserted)
			}
			b.change(t, `INSERT INTO public.sales VALUES (1001, 'new', 1, NULL, '2026-02-01'), (1002, 'new', 2, '', '2026-02-01')`)
			b.change(t, `UPDATE public.sales SET amount = 0.5, updated_at = '2026-02-02' WHERE id <= 10`)
			run = b.refresh(t, refresh.Request{View: v.Name})
			b.wantEqual(t, v)
			b.change(t, `DELETE FROM public.sales WHERE id BETWEEN 5 AND 14`)
			run = b.refresh(t, refresh.Request{View: v.Name, Whole: true})
			b.wantEqual(t, v)
			if strategy != catalog.Nonconcurrent && strategy != catalog.Swap && *run.RowsDeleted != 10 {
				t.Errorf("deleted %d rows, want 10", *run.RowsDeleted)
			}
			b.wantNothingLeft(t)
			status, err := b.store.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if *status[0].Rows != 992 {
				t.Errorf("status says %d rows, want 992", *status[0].Rows)
			}
		})
	}
}

func TestStrategies_AsOfIsNeverLaterThanTheRead(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		v := b.salesView(strategy)
		b.add(t, v)
		started := time.Now()
		run := b.refresh(t, refresh.Request{View: v.Name})
		var read time.Time
		for _, s := range b.source.Statements() {
			if s.Start.After(started) && s.QueryGroup == "redcache "+v.Name.String() && containsSales(s.SQL) {
				read = s.Start
			}
		}
		if read.IsZero() {
			t.Fatalf("%s: the source saw no read", strategy)
		}
		if run.AsOf.After(read) || run.AsOf.Before(started.Add(-time.Second)) {
			t.Errorf("%s: as of %s, read at %s", strategy, run.AsOf, read)
		}
	}
}

func TestStrategies_OldSnapshotsNeverSeeAnEmptyRelation(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	for _, strategy := range []catalog.Strategy{catalog.Concurrent, catalog.Incremental} {
		v := b.salesView(strategy)
		b.add(t, v)
		reader := b.oldReader(t)
		count := func() (n int) {
			if err := reader.QueryRow(t.Context(), "SELECT count(*) FROM "+v.Name.SQL()).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		before := count()
		b.change(t, `INSERT INTO public.sales SELECT max(id) + 1, 'late', 1, NULL, '2026-03-01' FROM public.sales`)
		b.refresh(t, refresh.Request{View: v.Name})
		if after := count(); after != before || before == 0 {
			t.Errorf("%s: an old snapshot sees %d rows, before the refresh it saw %d", strategy, after, before)
		}
		leave(t, reader)
		b.wantEqual(t, v)
	}
}

func TestRefresh_MayOverrideTheStrategyOfAMaterializedView(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Concurrent)
	b.add(t, v)
	run := b.refresh(t, refresh.Request{View: v.Name, Strategy: catalog.Nonconcurrent})
	if run.Strategy != catalog.Nonconcurrent {
		t.Errorf("the run says %s", run.Strategy)
	}
	b.wantEqual(t, v)
	for _, wrong := range []catalog.Strategy{catalog.Incremental, "fast"} {
		if _, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name, Strategy: wrong}); err == nil {
			t.Errorf("strategy %s was taken", wrong)
		}
	}
}

// What a generation is not made for is refused, with the change that would make one for it.
func TestRefresh_RefusesWhatTheGenerationIsNotMadeFor(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		v := b.salesView(strategy)
		if strategy == catalog.Swap {
			v.Key = nil
		}
		b.add(t, v)
	}
	for _, tt := range []struct {
		of, asked    catalog.Strategy
		problem, fix string
	}{
		{catalog.Concurrent, catalog.Swap, "its strategy is concurrent, and its rows are not kept as swap needs it", "--strategy swap"},
		{catalog.Merge, catalog.Nonconcurrent, "its strategy is merge, and its rows are not kept as nonconcurrent needs it", "--strategy nonconcurrent"},
		{catalog.Swap, catalog.Incremental, "its strategy is swap, and its rows are not kept as incremental needs it", "--strategy incremental"},
		{catalog.Incremental, catalog.Merge, "its strategy is incremental, and its watermark must go on", "--strategy merge"},
		{catalog.Swap, catalog.Merge, "strategy merge needs a key", "--key COLUMNS"},
		{catalog.Nonconcurrent, catalog.Concurrent, "strategy concurrent needs a key", "--key COLUMNS"},
	} {
		name := b.salesView(tt.of).Name
		_, err := b.runner.Refresh(t.Context(), refresh.Request{View: name, Strategy: tt.asked})
		var invalid *catalog.InvalidError
		if !errors.As(err, &invalid) || invalid.Problem != tt.problem || !strings.Contains(invalid.Fix, tt.fix) {
			t.Errorf("%s of %s: %+v, want %s, with %s", tt.asked, tt.of, err, tt.problem, tt.fix)
		}
	}
}

func TestAdd_NamesNeedNoCare(t *testing.T) {
	t.Parallel()
	b := setup(t,
		`CREATE SCHEMA "select"`,
		`CREATE TABLE "select"."weird name; drop table x" ("order" int, "ünïcode ☃" varchar(10), "it's ""q"" \b" timestamp)`,
		`GRANT USAGE ON SCHEMA "select" TO PUBLIC`,
		`INSERT INTO "select"."weird name; drop table x" VALUES (1, 'a''\b', now()), (2, NULL, now())`)
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		v := b.view("", `SELECT * FROM "select"."weird name; drop table x"`, strategy)
		v.Name = catalog.Name{Schema: `odd "schema"`, View: `drop table x; -- \ ☃ ` + string(strategy)}
		v.Key, v.Indexes = []string{"order", "ünïcode ☃"}, []string{`"it's ""q"" \b"`}
		b.change(t, `UPDATE "select"."weird name; drop table x" SET "ünïcode ☃" = 'x' WHERE "order" = 2`)
		if strategy == catalog.Incremental {
			v.Watermark = `it's "q" \b`
		}
		b.add(t, v)
		b.refresh(t, refresh.Request{View: v.Name})
		b.wantEqual(t, v)
		if err := b.definer.Drop(t.Context(), v.Name); err != nil {
			t.Error(err)
		}
	}
	b.wantNothingLeft(t)
}

// A definition that another version has stored may name a strategy that this one does not have. It is refused before
// anything is read, and never taken for another.
func TestRefresh_AStrategyThatDoesNotExistIsNoOther(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Merge)
	b.add(t, v)
	b.exec(t, `UPDATE redcache.generation SET definition = definition || '{"strategy": "fast"}'`)
	before := len(b.source.Statements())
	for _, try := range []func() error{
		func() error { _, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name}); return err },
		func() error { _, err := b.runner.Plan(t.Context(), refresh.Request{View: v.Name}); return err },
	} {
		if err := try(); err == nil || err.Error() != `view bi.sales_merge: strategy "fast" does not exist` {
			t.Errorf("refused with %v", err)
		}
	}
	if after := len(b.source.Statements()); after != before {
		t.Errorf("the source was asked %d statements", after-before)
	}
	b.wantEqual(t, v)
}
