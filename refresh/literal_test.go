package refresh_test

import (
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

// A literal without a type is part of a view, of its key too, whatever Redshift tells of it.
func TestStrategies_TakeLiteralsWithoutAType(t *testing.T) {
	t.Parallel()
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			for _, literals := range []redshiftsim.Bare{redshiftsim.BareUnknown, redshiftsim.BareVarcharInTables} {
				b.source.Literals(t, literals)
				for _, transport := range []catalog.Transport{catalog.DblinkTransport, catalog.AutoTransport} {
					v := b.view(strings.ReplaceAll(literals.String(), " ", "_")+string(transport),
						"SELECT s.channel, s.id, s.nothing, s.updated_at FROM (SELECT 'web' AS channel, id, NULL AS nothing, updated_at FROM public.sales) s", strategy)
					v.Transport, v.SkipUnchanged = transport, catalog.SkipContent
					if strategy != catalog.Nonconcurrent {
						v.Key = []string{"channel", "id"}
					}
					if strategy == catalog.Incremental {
						v.Watermark, v.Lookback = "updated_at", "1m"
					}
					b.add(t, v)
					b.change(t, `UPDATE public.sales SET updated_at = updated_at + interval '1 day' WHERE id = 1`)
					run := b.refresh(t, refresh.Request{View: v.Name})
					b.wantEqual(t, v)
					if run.State != catalog.Succeeded || strings.Contains(reasonOf(run), "hash") {
						t.Errorf("%s: %s, %q", v.Name, run.State, reasonOf(run))
					}
					again, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
					if err != nil || again.State != catalog.Unchanged {
						t.Errorf("%s, again: %s, %q, %v", v.Name, again.State, reasonOf(again), err)
					}
				}
			}
		})
	}
}

func TestRefresh_NamesRepeatedKeysThatHoldALiteral(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	b.source.Literals(t, redshiftsim.BareVarcharInTables)
	v := b.view("sales", "SELECT 'web' AS channel, id, amount FROM public.sales", catalog.Merge)
	v.Key = []string{"channel", "id"}
	b.add(t, v)
	b.change(t, `INSERT INTO public.sales VALUES (7, 'again', 1, NULL, '2026-02-01')`)
	_, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
	if err == nil || !strings.Contains(err.Error(), "its key channel, id repeats") {
		t.Errorf("got %v", err)
	}
}
