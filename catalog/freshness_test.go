package catalog_test

import (
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
)

// What applications are told of a promise is what operators are told. Without one nothing is stale.
func TestFreshness_SaysWhatKeepsItsPromise(t *testing.T) {
	t.Parallel()
	store, pool, link := newCatalog(t)
	for name, tt := range map[string]struct {
		asOf    string // NULL: never read
		promise time.Duration
		stale   bool
	}{
		"Fresh":    {"now() - interval '50 minutes'", time.Hour, false},
		"late":     {"now() - interval '70 minutes'", time.Hour, true},
		"empty":    {"NULL", time.Hour, true},
		"ahead":    {"now() + interval '10 minutes'", time.Hour, true},
		"no_word":  {"now() - interval '1 year'", 0, false},
		"no_rows":  {"NULL", 0, false},
		"no_state": {"", time.Hour, true},
	} {
		v := sales()
		v.Name.View, v.Link, v.NulBytes, v.MaxAge = name, link, catalog.StripNul, tt.promise
		v, err := store.AddView(t.Context(), v, 0)
		if err != nil {
			t.Fatal(err)
		}
		change := `UPDATE redcache.generation SET state = 'published', as_of = ` + tt.asOf + ` WHERE view_id = $1`
		if tt.asOf == "" {
			change = `DELETE FROM redcache.state WHERE view_id = $1`
		}
		if _, err := pool.Exec(t.Context(), change, v.ID); err != nil {
			t.Fatal(err)
		}
		var promise *time.Duration
		var stale bool
		err = pool.QueryRow(t.Context(), `SELECT max_age, stale FROM redcache.freshness WHERE view = $1`, v.Name.String()).Scan(&promise, &stale)
		if err != nil || stale != tt.stale || (promise == nil) != (tt.promise == 0) || promise != nil && *promise != tt.promise {
			t.Errorf("%s: stale %t, promise %v, %v; want %t, %s", name, stale, promise, err, tt.stale, tt.promise)
		}
		all, err := store.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			if s.View.ID == v.ID && s.Stale != tt.stale {
				t.Errorf("%s: operators are told stale %t", name, s.Stale)
			}
		}
	}
}
