package refresh_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

func TestMergeAndSwap_RefuseBadKeys(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, strategy catalog.Strategy, transport catalog.Transport) {
		b := setup(t, salesSQL...)
		v := b.salesView(strategy)
		v.Transport = transport
		b.add(t, v)
		b.change(t, "CREATE TABLE public.good AS TABLE public.sales")
		before := rows(t, b.pool, "SELECT * FROM "+v.Name.SQL())
		for name, tt := range map[string]struct{ change, want string }{
			"new to the cache":          {`INSERT INTO public.sales VALUES (2001, 'a', 1, NULL, NULL), (2001, 'b', 1, NULL, NULL)`, "id = 2001 (2 rows)"},
			"new, and the same":         {`INSERT INTO public.sales SELECT 2001, 'a' FROM generate_series(1, 3)`, "id = 2001 (3 rows)"},
			"known, and the same":       {`INSERT INTO public.sales SELECT * FROM public.sales WHERE id = 7`, "id = 7 (2 rows)"},
			"known, and one differs":    {`INSERT INTO public.sales VALUES (7, 'b', 1, NULL, NULL)`, "id = 7 (2 rows)"},
			"known, and both differ":    {`INSERT INTO public.sales VALUES (7, 'b', 1, NULL, NULL); UPDATE public.sales SET region = region || 'x' WHERE id = 7`, "id = 7 (2 rows)"},
			"as many as are gone":       {`DELETE FROM public.sales WHERE id IN (1, 2); INSERT INTO public.sales SELECT * FROM public.sales WHERE id IN (3, 4)`, "(2 rows)"},
			"more than anybody can see": {`INSERT INTO public.sales SELECT * FROM public.sales WHERE id <= 500`, "(2 rows)"},
			"NULL":                      {`INSERT INTO public.sales VALUES (NULL, 'a', 1, NULL, NULL)`, "id = NULL"},
		} {
			for statement := range strings.SplitSeq(tt.change, ";") {
				b.change(t, statement)
			}
			run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
			if err == nil || run.State != catalog.Failed || run.Attempts != 1 || !strings.Contains(err.Error(), tt.want) ||
				infra.Hint(err) == "" || !strings.Contains(err.Error(), "its key id ") {
				t.Errorf("%s: got %s, %v, hint %q; want a failure that names %s", name, run.State, err, infra.Hint(err), tt.want)
			} else if n := strings.Count(err.Error(), " rows)"); n > 3 {
				t.Errorf("%s: %d examples: %v", name, n, err)
			}
			b.wantRows(t, v, before)
			b.change(t, "TRUNCATE public.sales")
			b.change(t, "INSERT INTO public.sales TABLE public.good")
		}
		b.wantNothingLeft(t)
		b.refresh(t, refresh.Request{View: v.Name})
		b.wantEqual(t, v)
	}, catalog.Merge, catalog.Swap)
}

// TestSwapAndMerge_AnyHistory: whatever happens to the source, a refresh makes the copy equal to it, and a merge counts
// what it took.
func TestSwapAndMerge_AnyHistory(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE public.any (id int, sub varchar(10), v varchar(10), n numeric(10,2))`)
	var views []catalog.View
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Merge, catalog.Auto} {
		for _, transport := range bothTransports {
			v := b.view(fmt.Sprintf("%s_%s", strategy, transport), "SELECT * FROM public.any", strategy)
			v.Key, v.Transport, v.AllowShrink = []string{"id", "sub"}, transport, 100
			b.add(t, v)
			views = append(views, v)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		id := rapid.IntRange(1, 8)
		value := rapid.SampledFrom([]any{nil, "", " ", "x", "é☃🦊"})
		sub := rapid.SampledFrom([]string{"", "a", "é"})
		b.change(t, "TRUNCATE public.any")
		r.Repeat(map[string]func(*rapid.T){
			"put": func(r *rapid.T) {
				b.change(t, `WITH gone AS (DELETE FROM public.any WHERE id = $1 AND sub = $2) INSERT INTO public.any VALUES ($1, $2, $3, $4)`,
					id.Draw(r, "id"), sub.Draw(r, "sub"), value.Draw(r, "v"), rapid.IntRange(0, 3).Draw(r, "n"))
			},
			"update": func(r *rapid.T) {
				b.change(t, `UPDATE public.any SET v = $2 WHERE id = $1`, id.Draw(r, "id"), value.Draw(r, "v"))
			},
			"delete":   func(r *rapid.T) { b.change(t, `DELETE FROM public.any WHERE id >= $1`, id.Draw(r, "id")) },
			"renumber": func(*rapid.T) { b.change(t, `UPDATE public.any SET id = 9 - id`) },
			"refresh": func(r *rapid.T) {
				v := rapid.SampledFrom(views).Draw(r, "view")
				b.refreshAndCount(t, v)
				if t.Failed() {
					r.Fatalf("view %s", v.Name)
				}
			},
		})
	})
	b.wantNothingLeft(t)
}

// refreshAndCount refreshes a view of table any, and holds the copy and the counts against the source.
func (b *bundle) refreshAndCount(t *testing.T, v catalog.View) {
	t.Helper()
	byKey := func(pool *pgxpool.Pool, from string) map[string]string {
		m := map[string]string{}
		for _, line := range rows(t, pool, "SELECT id || ' ' || sub, v, n FROM "+from) {
			key, rest, _ := strings.Cut(line, `" `)
			m[key] = rest
		}
		return m
	}
	before, after := byKey(b.pool, v.Name.SQL()), byKey(b.source.Engine, "public.any")
	run := b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, v)
	var inserted, updated, deleted int64
	for key, row := range after {
		if old, found := before[key]; !found {
			inserted++
		} else if old != row {
			updated++
		}
	}
	for key := range before {
		if _, found := after[key]; !found {
			deleted++
		}
	}
	if run.Strategy == catalog.Merge {
		wantWritten(t, run, inserted, updated, deleted)
	}
}
