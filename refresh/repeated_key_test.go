package refresh_test

import (
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// Rows that are alike, and have a NULL anywhere, pass what PostgreSQL itself checks.
func TestRefresh_RowsThatAreAlikeAreNotTakenForOne(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		key    []string
		row    string // of id, region, amount, note, updated_at
		repeat int
		want   string
	}{
		"a NULL":             {[]string{"id"}, `7, 'region 0', 2.3333, NULL, '2026-01-01 00:00:07'`, 1, "id = 7 (2 rows)"},
		"no NULL":            {[]string{"id"}, `7, 'region 0', 2.3333, 'x', '2026-01-01 00:00:07'`, 1, "id = 7 (2 rows)"},
		"all NULL":           {[]string{"id"}, `7, NULL, NULL, NULL, NULL`, 4, "id = 7 (5 rows)"},
		"of two columns":     {[]string{"region", "id"}, `7, 'region 0', NULL, NULL, NULL`, 1, "7 (2 rows)"},
		"equal and not same": {[]string{"amount", "id"}, `7, 'x', 1.50, NULL, NULL`, 2, "(3 rows)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			b.change(t, "DELETE FROM public.sales WHERE id = 7")
			b.change(t, "INSERT INTO public.sales VALUES ("+tt.row+")")
			var views []catalog.View
			for _, strategy := range []catalog.Strategy{catalog.Concurrent, catalog.Nonconcurrent, catalog.Merge, catalog.Swap} {
				v := b.view(string(strategy), salesQuery, strategy)
				v.Key = tt.key
				b.add(t, v)
				if run := b.refresh(t, refresh.Request{View: v.Name}); *run.RowsRead != 1000 {
					t.Errorf("%s: %d rows read", strategy, *run.RowsRead)
				}
				views = append(views, v)
			}
			before := rows(t, b.readers, "SELECT * FROM bi.merge")
			for range tt.repeat {
				b.change(t, "INSERT INTO public.sales VALUES ("+tt.row+")")
			}
			requests := []refresh.Request{{View: views[1].Name, Strategy: catalog.Concurrent}}
			for _, v := range views {
				requests = append(requests, refresh.Request{View: v.Name})
			}
			for _, req := range requests {
				run, err := b.runner.Refresh(t.Context(), req)
				if err == nil || run.State != catalog.Failed || run.Attempts != 1 || !strings.Contains(err.Error(), tt.want) ||
					!strings.Contains(infra.Hint(err), "ROW_NUMBER") {
					t.Errorf("%s %s: got %s, %v, hint %q", req.View, req.Strategy, run.State, err, infra.Hint(err))
				}
			}
			for _, v := range views {
				b.wantRows(t, v, before)
			}
			b.change(t, "DELETE FROM public.sales WHERE id = 7 AND ctid <> (SELECT min(ctid) FROM public.sales WHERE id = 7)")
			b.change(t, "INSERT INTO public.sales VALUES (2001, 'new', 9, NULL, NULL)")
			for _, req := range requests {
				if run := b.refresh(t, req); *run.RowsRead != 1001 {
					t.Errorf("%s: %d rows read", req.View, *run.RowsRead)
				}
			}
			for _, v := range views {
				b.wantEqual(t, v)
			}
			b.wantNothingLeft(t)
		})
	}
}

// What readers see is what the query returns, whatever its columns are called.
func TestRefresh_TheMarkOfRepeatedKeysIsInNobodysWay(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE public.odd AS SELECT i AS id, true AS redcache_repeats, i AS q FROM generate_series(1, 3) i`)
	v := b.view("odd", "SELECT id, redcache_repeats, q FROM public.odd", catalog.Concurrent)
	v.Key = []string{"q"}
	b.add(t, v)
	b.change(t, "UPDATE public.odd SET redcache_repeats = false WHERE id = 2")
	if run := b.refresh(t, refresh.Request{View: v.Name}); *run.RowsInserted != 1 || *run.RowsDeleted != 1 {
		t.Errorf("%d rows inserted, %d deleted", *run.RowsInserted, *run.RowsDeleted)
	}
	b.wantEqual(t, v)
}
