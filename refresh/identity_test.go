package refresh_test

import (
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// identity is how replicas of a view's rows know them: i by the index of the key, f by all that a row holds.
func (b *bundle) identity(t *testing.T) string {
	t.Helper()
	return strings.Trim(rows(t, b.pool, `SELECT c.relreplident FROM redcache.copy s
		JOIN pg_class c ON c.oid = to_regclass('redcache_data.v' || s.view_id || '_g' || s.generation)`)[0], `" `)
}

// The rows of every table have an identity, the cheapest that there is, from the first load on; a table of an older
// version, which has none, gets one before somebody's publication keeps its rows from being changed.
func TestAdd_GivesRowsAnIdentity(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		strategy catalog.Strategy
		key      []string
		want     string
	}{
		"with a key":    {catalog.Merge, []string{"id"}, "i"},
		"without a key": {catalog.Incremental, nil, "f"},
		"swapped":       {catalog.Swap, []string{"id"}, "i"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			v := b.salesView(tt.strategy)
			v.Key = tt.key
			b.add(t, v)
			if got := b.identity(t); got != tt.want {
				t.Errorf("the identity of rows is %q, want %q", got, tt.want)
			}
			b.refresh(t, refresh.Request{View: v.Name})
			b.exec(t, `DO $$ BEGIN EXECUTE (SELECT format('ALTER TABLE redcache_data.v%s_g%s REPLICA IDENTITY DEFAULT', view_id, generation)
				FROM redcache.copy); END $$`)
			b.sudo(t, `CREATE PUBLICATION everything FOR ALL TABLES`)
			b.change(t, `UPDATE public.sales SET amount = amount + 1, updated_at = now() WHERE id % 10 = 0`)
			b.refresh(t, refresh.Request{View: v.Name, Whole: true})
			b.wantEqual(t, v)
			if got := b.identity(t); got != tt.want {
				t.Errorf("after an update from an older version, the identity of rows is %q, want %q", got, tt.want)
			}
		})
	}
}
