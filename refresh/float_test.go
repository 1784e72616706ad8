package refresh_test

import (
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// A REAL that needs nine digits, or a DOUBLE PRECISION that needs 17, arrives as it is, as a value and as a key, and nothing is written again for it.
func TestStrategies_KeepEveryBitOfAFloat(t *testing.T) {
	t.Parallel()
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, `CREATE TABLE public.measured (ratio real, twice real, at timestamp, wide double precision DEFAULT 0.1::float8 + 0.2::float8)`,
				`INSERT INTO public.measured (ratio, twice, at) SELECT 1000 + i * 2.0 ^ -14, -1000 - i * 2.0 ^ -14, timestamp '2026-01-01' FROM generate_series(1, 500) i`,
				`INSERT INTO public.measured (ratio, twice, at) VALUES (1e-45, '-0', '2026-01-01'), (3.4028235e38, 'NaN', '2026-01-01'), ('-Infinity', 'Infinity', '2026-01-01')`)
			v := b.view("measured", "SELECT ratio, twice, at, wide FROM public.measured", strategy)
			v.Transport = catalog.DblinkTransport
			if strategy != catalog.Nonconcurrent {
				v.Key = []string{"ratio"}
			}
			if strategy == catalog.Incremental {
				v.Watermark = "at"
			}
			b.add(t, v)
			b.wantEqual(t, v)
			run := b.refresh(t, refresh.Request{View: v.Name, Whole: true})
			b.wantEqual(t, v)
			if run.Strategy == catalog.Merge || run.Strategy == catalog.Concurrent || run.Strategy == catalog.Incremental {
				wantWritten(t, run, 0, 0, 0)
			}
		})
	}
}
