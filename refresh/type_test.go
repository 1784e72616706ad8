package refresh_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/typetest"
	"github.com/redcache/redcache/refresh"
)

// A value of any type becomes the one that Redshift has, also one that is equal to it and not the same. What the copy is
// then is what it would be if it were read anew.
func TestStrategies_MergeEveryType(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, strategy catalog.Strategy, transport catalog.Transport) {
		b := setup(t)
		var types []typetest.Sample
		for _, s := range typetest.Samples(t) {
			if s.Known {
				types = append(types, s)
			}
		}
		columns, values, longest := "id int, at timestamp", "i, timestamp '2026-01-01'", 0
		for i, s := range types {
			columns += fmt.Sprintf(", c%d %s", i, s.On)
			values += fmt.Sprintf(", (%s)::%s", s.Values[0], s.On)
			longest = max(longest, len(s.Values))
		}
		b.change(t, "CREATE TABLE public.kinds ("+columns+")")
		b.change(t, fmt.Sprintf("INSERT INTO public.kinds SELECT %s FROM generate_series(0, %d) i", values, len(types)-1))
		merged, anew := b.view("merged", "SELECT * FROM public.kinds", strategy), b.view("anew", "SELECT * FROM public.kinds", catalog.Swap)
		merged.Key, anew.Key = []string{"id"}, []string{"id"}
		merged.Transport, anew.Transport = transport, transport
		if strategy == catalog.Incremental {
			merged.Watermark = "at"
		}
		b.add(t, merged)
		b.add(t, anew)
		for step := 1; step <= longest; step++ {
			var updates []string
			for i, s := range types {
				if step <= len(s.Values) {
					value := append(s.Values, "NULL")[step]
					updates = append(updates, fmt.Sprintf("UPDATE public.kinds SET c%d = (%s)::%s WHERE id = %d", i, value, s.On, i))
				}
			}
			b.change(t, strings.Join(updates, "; "))
			run := b.refresh(t, refresh.Request{View: merged.Name, Whole: true})
			wantWritten(t, run, 0, int64(len(updates)), 0)
			b.refresh(t, refresh.Request{View: anew.Name})
			const all = "SELECT * FROM %s ORDER BY id"
			if diff := cmp.Diff(rows(t, b.pool, fmt.Sprintf(all, anew.Name.SQL())), rows(t, b.pool, fmt.Sprintf(all, merged.Name.SQL()))); diff != "" {
				t.Errorf("step %d: %s", step, diff)
			}
		}
	}, catalog.Merge, catalog.Incremental)
}
