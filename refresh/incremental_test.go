package refresh_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

func containsSales(sql string) bool { return strings.Contains(sql, "public.sales") }

func TestIncremental_TwiceChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Incremental)
	b.add(t, v)
	for range 2 {
		run := b.refresh(t, refresh.Request{View: v.Name})
		if *run.RowsInserted+*run.RowsUpdated+*run.RowsDeleted != 0 {
			t.Errorf("wrote %d, %d, %d rows", *run.RowsInserted, *run.RowsUpdated, *run.RowsDeleted)
		}
		if *run.RowsRead != 61 { // the last minute and its first second
			t.Errorf("read %d rows, want only those within the lookback", *run.RowsRead)
		}
		if *run.Watermark != "2026-01-01 00:16:40" {
			t.Errorf("watermark is %s", *run.Watermark)
		}
	}
	b.wantEqual(t, v)
}

func TestIncremental_LateAndUndatedAndEqualRows(t *testing.T) {
	t.Parallel()
	for _, key := range [][]string{{"id"}, nil} {
		t.Run(fmt.Sprint("key ", key), func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			b.change(t, `INSERT INTO public.sales VALUES (2001, 'undated', 1, NULL, NULL)`)
			v := b.salesView(catalog.Incremental)
			v.Key = key
			b.add(t, v)
			b.wantEqual(t, v)
			// Late, but within the lookback; equal to the watermark; without one; far in the future.
			b.change(t, `INSERT INTO public.sales VALUES
				(2002, 'late', 1, NULL, '2026-01-01 00:16:00'), (2003, 'equal', 1, NULL, '2026-01-01 00:16:40'),
				(2004, 'undated', 1, NULL, NULL), (2005, 'future', 1, NULL, '9999-12-31')`)
			run := b.refresh(t, refresh.Request{View: v.Name})
			b.wantEqual(t, v)
			if *run.Watermark != "2026-01-01 00:16:40" {
				t.Errorf("watermark is %s: a row from the future moved it", *run.Watermark)
			}
			b.change(t, `INSERT INTO public.sales VALUES (2006, 'next', 1, NULL, '2026-01-01 00:20:00')`)
			b.change(t, `UPDATE public.sales SET updated_at = '2026-01-01 00:21:00' WHERE id = 2001`)
			run = b.refresh(t, refresh.Request{View: v.Name})
			b.wantEqual(t, v)
			if *run.Watermark != "2026-01-01 00:21:00" {
				t.Errorf("watermark is %s", *run.Watermark)
			}
			b.wantNothingLeft(t)
		})
	}
}

func TestIncremental_LatestOfDuplicatesWins(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	b.change(t, `INSERT INTO public.sales VALUES
		(1, 'older', 1, NULL, '2025-01-01'), (1, 'newest', 1, NULL, '2026-01-02'), (1, 'undated', 1, NULL, NULL)`)
	v := b.salesView(catalog.Incremental)
	b.add(t, v)
	want := func(region string) {
		t.Helper()
		got := rows(t, b.pool, "SELECT region FROM "+v.Name.SQL()+" WHERE id = 1")
		if !slices.Equal(got, []string{fmt.Sprintf("%q ", region)}) {
			t.Errorf("got %v, want %s", got, region)
		}
	}
	want("newest")
	for range 2 {
		run := b.refresh(t, refresh.Request{View: v.Name})
		want("newest")
		if *run.RowsUpdated != 0 {
			t.Errorf("an older duplicate was written: %d updates", *run.RowsUpdated)
		}
	}
	b.change(t, `INSERT INTO public.sales VALUES (1, 'even newer', 1, NULL, '2026-01-03'), (1, 'tie', 1, NULL, '2026-01-03')`)
	b.refresh(t, refresh.Request{View: v.Name})
	want("tie")
	b.refresh(t, refresh.Request{View: v.Name, Whole: true})
	want("tie")
}

func TestIncremental_DifferencesThatEqualityHides(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE public.odd (id int, n numeric, at timestamp)`,
		`INSERT INTO public.odd VALUES (1, 1.0, '2026-01-01')`)
	v := b.view("odd", "SELECT * FROM public.odd", catalog.Incremental)
	v.Key, v.Watermark = []string{"id"}, "at"
	b.add(t, v)
	b.change(t, `UPDATE public.odd SET n = 1.000, at = '2026-01-02'`)
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, v)
}

func TestIncremental_SafetyLagLeavesYoungRowsForLater(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE public.events (id int, at timestamp with time zone)`,
		`INSERT INTO public.events VALUES (1, now() - interval '1 hour'), (2, now() - interval '1 minute'), (3, NULL)`)
	v := b.view("events", "SELECT * FROM public.events", catalog.Incremental)
	v.Key, v.Watermark, v.SafetyLag = []string{"id"}, "at", 10*time.Minute
	run := b.add(t, v)
	if got := rows(t, b.pool, "SELECT id FROM bi.events"); !slices.Equal(got, []string{`"1" `, `"3" `}) {
		t.Errorf("got rows %v, want 1 and 3", got)
	}
	if behind := time.Since(*run.AsOf); behind < 10*time.Minute {
		t.Errorf("as of %s ago, want at least the safety lag", behind)
	}
	b.change(t, `UPDATE public.events SET at = now() - interval '11 minutes' WHERE id = 2`)
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, v)
}

func TestIncremental_NumericAndDateWatermarks(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE public.log (id smallint, big bigint, num numeric(10,2), day date, fine numeric(30,15))`,
		`INSERT INTO public.log SELECT i, i * 1000000000000, i / 2.0, date '2026-01-01' + i, i + 0.000000000000006
		 FROM generate_series(1, 100) i`)
	for watermark, lookback := range map[string]string{
		"id": "5", "big": "3000000000000", "num": "1.5", "day": "36h", "fine": "0",
	} {
		v := b.view("log_"+watermark, "SELECT * FROM public.log", catalog.Incremental)
		v.Key, v.Watermark, v.Lookback = []string{"big"}, watermark, lookback
		b.add(t, v)
	}
	b.change(t, `INSERT INTO public.log VALUES (101, 101000000000000, 50.5, '2026-04-12', 100.000000000000006)`)
	for _, watermark := range []string{"id", "big", "num", "day", "fine"} {
		v := b.view("log_"+watermark, "SELECT * FROM public.log", catalog.Incremental)
		run := b.refresh(t, refresh.Request{View: v.Name})
		b.wantEqual(t, v)
		if *run.RowsInserted != 1 || *run.RowsRead > 10 || run.Whole {
			t.Errorf("%s: read %d rows, inserted %d", watermark, *run.RowsRead, *run.RowsInserted)
		}
	}
}

func TestIncremental_ReconcilesWhenItIsTime(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Incremental)
	v.ReconcileEvery = time.Hour
	b.add(t, v)
	b.change(t, `DELETE FROM public.sales WHERE id = 1`)
	if run := b.refresh(t, refresh.Request{View: v.Name}); run.Whole {
		t.Error("reconciled at once")
	}
	if _, err := b.pool.Exec(t.Context(), `UPDATE redcache.generation SET reconciled_at = now() - interval '61 minutes'`); err != nil {
		t.Fatal(err)
	}
	if run := b.refresh(t, refresh.Request{View: v.Name}); !run.Whole || *run.RowsDeleted != 1 {
		t.Errorf("whole %v, deleted %d; want a reconciliation that deletes one row", run.Whole, *run.RowsDeleted)
	}
	b.wantEqual(t, v)
}

// TestIncremental_AnyHistory: whatever happens to the source, the copy equals it after each reconciliation, and
// between them it equals what the source would be without its deletes.
func TestIncremental_AnyHistory(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE public.any (id int, v varchar(10), at timestamp)`)
	rapid.Check(t, func(r *rapid.T) {
		b.change(t, "TRUNCATE public.any")
		v := b.view("any", "SELECT * FROM public.any", catalog.Incremental)
		keyed := rapid.Bool().Draw(r, "keyed")
		if keyed {
			v.Key = []string{"id"}
		}
		v.Watermark, v.Lookback = "at", "5s"
		b.add(t, v)
		defer func() {
			if err := b.definer.Drop(t.Context(), v.Name); err != nil {
				r.Fatal(err)
			}
		}()
		clock, next := 0, 0
		r.Repeat(map[string]func(*rapid.T){
			"insert": func(r *rapid.T) {
				clock += rapid.IntRange(0, 3).Draw(r, "pause")
				late := rapid.IntRange(0, 5).Draw(r, "late")
				next++
				b.change(t, `INSERT INTO public.any VALUES ($1, 'new', timestamp '2026-01-01' + make_interval(secs => $2))`,
					next, float64(max(0, clock-late)))
			},
			"insert undated": func(*rapid.T) {
				next++
				b.change(t, `INSERT INTO public.any VALUES ($1, 'undated', NULL)`, next)
			},
			"update": func(r *rapid.T) {
				if !keyed {
					return // a row that moves away leaves its old self behind until the next reconciliation
				}
				clock++
				b.change(t, `UPDATE public.any SET v = v || 'u', at = timestamp '2026-01-01' + make_interval(secs => $2)
					WHERE id = $1 AND length(v) < 9`, rapid.IntRange(1, max(1, next)).Draw(r, "id"), float64(clock))
			},
			"delete and reconcile": func(r *rapid.T) {
				b.change(t, `DELETE FROM public.any WHERE id = $1`, rapid.IntRange(1, max(1, next)).Draw(r, "id"))
				b.refresh(t, refresh.Request{View: v.Name, Whole: true})
			},
			"refresh": func(*rapid.T) {
				b.refresh(t, refresh.Request{View: v.Name})
				b.wantEqual(t, v)
				if t.Failed() {
					r.Fatal("copy differs from source")
				}
			},
		})
	})
}
