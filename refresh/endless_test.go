package refresh_test

import (
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// A watermark without end, which an older version took from a row, is none: everything is read, and the next one is that
// of a row again.
func TestIncremental_AWatermarkWithoutEndIsNone(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE public.log (id integer, seq numeric(12,3), at timestamp)",
		"INSERT INTO public.log SELECT i, i, timestamp '2026-01-01' + i * interval '1 second' FROM generate_series(1, 100) i")
	for watermark, ends := range map[string][]string{"seq": {"NaN", "Infinity", "-Infinity"}, "at": {"infinity", "-infinity"}} {
		v := b.view(watermark, "SELECT id, seq, at FROM public.log", catalog.Incremental)
		v.Key, v.Watermark, v.Lookback = []string{"id"}, watermark, "0"
		if watermark == "at" {
			v.Lookback = "0s"
		}
		want := b.add(t, v)
		for _, end := range ends {
			b.do(t, "UPDATE redcache.generation SET watermark = '"+end+"' WHERE view_id = (SELECT id FROM redcache.view WHERE view_name = '"+watermark+"')")
			b.change(t, "UPDATE public.log SET seq = seq WHERE id = 1")
			run := b.refresh(t, refresh.Request{View: v.Name})
			if !run.Whole || run.Watermark == nil || *run.Watermark != *want.Watermark {
				t.Errorf("from %s: whole %t, watermark %v, want %s", end, run.Whole, run.Watermark, *want.Watermark)
			}
			b.wantEqual(t, v)
		}
	}
}

// A row whose value is no number, or has no end, is read and never becomes the watermark: what comes after it is seen, and
// no more is read than before.
func TestIncremental_ARowWithoutEndMovesNoWatermark(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE public.log (id integer, seq numeric(12,3), wide numeric, at timestamp)",
		"INSERT INTO public.log SELECT i, i, i, timestamp '2026-01-01' + i * interval '1 second' FROM generate_series(1, 100) i",
		"INSERT INTO public.log VALUES (101, 'NaN', 'NaN', 'infinity'), (102, 'NaN', 'Infinity', 'infinity'), (103, 'NaN', '-Infinity', '-infinity')")
	for watermark, want := range map[string]string{"seq": "100.000", "wide": "100", "at": "2026-01-01 00:01:40"} {
		v := b.view(watermark, "SELECT id, seq, wide, at FROM public.log", catalog.Incremental)
		v.Key, v.Watermark, v.Lookback = []string{"id"}, watermark, "0"
		if watermark == "at" {
			v.Lookback = "0s"
		}
		for _, run := range []catalog.Run{b.add(t, v), b.refresh(t, refresh.Request{View: v.Name})} {
			if run.Watermark == nil {
				t.Fatalf("there is no watermark %s", watermark)
			}
			if *run.Watermark != want {
				t.Errorf("watermark %s is %s, want %s", watermark, *run.Watermark, want)
			}
			if !run.Whole && *run.RowsRead > 4 {
				t.Errorf("watermark %s: %d rows are read", watermark, *run.RowsRead)
			}
		}
		b.wantEqual(t, v)
	}
}
