package refresh_test

import (
	"fmt"
	"testing"

	"github.com/redcache/redcache/catalog"
)

var bothTransports = []catalog.Transport{catalog.StreamTransport, catalog.DblinkTransport}

// transportsOf are those by which a strategy can read: PostgreSQL itself fills its materialized views.
func transportsOf(strategy catalog.Strategy) []catalog.Transport {
	if strategy == catalog.Concurrent || strategy == catalog.Nonconcurrent {
		return []catalog.Transport{catalog.DblinkTransport}
	}
	return bothTransports
}

// eachTransport runs a test once for each transport.
func eachTransport(t *testing.T, test func(t *testing.T, transport catalog.Transport)) {
	t.Helper()
	for _, transport := range bothTransports {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			test(t, transport)
		})
	}
}

// eachWay runs a test once for each of the strategies by each transport.
func eachWay(t *testing.T, test func(t *testing.T, strategy catalog.Strategy, transport catalog.Transport), strategies ...catalog.Strategy) {
	t.Helper()
	for _, strategy := range strategies {
		for _, transport := range bothTransports {
			t.Run(fmt.Sprint(strategy, " ", transport), func(t *testing.T) {
				t.Parallel()
				test(t, strategy, transport)
			})
		}
	}
}

// batchSQL makes a source table whose rows all belong to one batch, so that a copy of two batches is seen to be wrong.
var batchSQL = []string{
	`CREATE TABLE public.item (id integer, batch integer, note varchar(40))`,
	`INSERT INTO public.item SELECT i, 0, 'note ' || i FROM generate_series(1, 200) i`,
}

// batches is a bundle with view bi.item of the batches, which has batch 0.
func batches(t *testing.T, strategy catalog.Strategy, transport catalog.Transport) (*bundle, catalog.View) {
	t.Helper()
	b := setup(t, batchSQL...)
	v := b.batchView("item", strategy, transport)
	b.add(t, v)
	return b, v
}

// batchView returns a view of the batches.
func (b *bundle) batchView(name string, strategy catalog.Strategy, transport catalog.Transport) catalog.View {
	v := b.view(name, "SELECT id, batch, note FROM public.item", strategy)
	v.Key, v.Transport = []string{"id"}, transport
	return v
}

// nextBatch replaces a row of the source and updates the others, in one transaction.
func (b *bundle) nextBatch(t *testing.T, batch int) {
	t.Helper()
	b.change(t, `WITH gone AS (DELETE FROM public.item WHERE id = $1 RETURNING *),
		kept AS (UPDATE public.item SET batch = $1 WHERE id <> $1)
		INSERT INTO public.item SELECT id + 200, $1, note FROM gone`, batch)
}

// wantBatch wants readers to see one batch, as a whole, and which.
func (b *bundle) wantBatch(t *testing.T, v catalog.View, want ...int) (seen int) {
	t.Helper()
	var n, low, high, gone int
	err := b.readers.QueryRow(t.Context(), `SELECT count(DISTINCT id), min(batch), max(batch), count(*) FILTER (WHERE id <= batch)
		FROM `+v.Name.SQL()).Scan(&n, &low, &high, &gone)
	if err != nil || n != 200 || low != high || gone != 0 {
		t.Fatalf("readers see %d rows of the batches %d to %d, %d of them of the past: %v", n, low, high, gone, err)
	}
	for _, batch := range want {
		if batch == low {
			return low
		}
	}
	t.Errorf("readers see batch %d, want one of %d", low, want)
	return low
}
