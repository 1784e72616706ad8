package refresh_test

import (
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// What a connection has prepared of the catalog ends with a change of the catalog's tables: the refresh that meets it goes on.
func TestRefresh_GoesOnAfterATableOfTheCatalogChanges(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Merge, catalog.StreamTransport)
	for _, kind := range []string{"bigint", "numeric", "bigint"} {
		if _, err := b.pool.Exec(t.Context(), "ALTER TABLE redcache.run ALTER COLUMN rows_read TYPE "+kind); err != nil {
			t.Fatal(err)
		}
		for range 3 { // so that each is prepared
			b.refresh(t, refresh.Request{View: v.Name})
		}
	}
}
