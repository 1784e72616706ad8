package refresh_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/sql"
)

// What a refresh asks of one view costs the same however many views there are: it goes by the indexes of the system's
// catalogs.
func TestRefresh_LooksAtOneViewOnly(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Merge)
	b.add(t, v)
	b.exec(t, `DO $$ BEGIN FOR n IN 2 .. 700 LOOP
		EXECUTE format('CREATE TABLE redcache_data.v%s_g1 (id bigint, at timestamp)', n);
		EXECUTE format('CREATE VIEW bi.many%s AS SELECT id, at FROM redcache_data.v%1$s_g1', n); END LOOP; END $$`)
	b.sudo(t, "ANALYZE")
	for name, query := range map[string]string{
		"published": sql.Published, "remember": sql.Remember, "relations": sql.Relations,
		"generations": strings.ReplaceAll(sql.Generations, "$2", "false"), "tidy": strings.ReplaceAll(sql.Tidy, "$2", "9"),
	} {
		for _, line := range rows(t, b.pool, "EXPLAIN "+strings.ReplaceAll(query, "$1", "1")) {
			for _, table := range []string{"class", "attribute", "depend", "rewrite"} {
				if strings.Contains(line, fmt.Sprintf("Seq Scan on pg_%s ", table)) {
					t.Errorf("%s reads all of pg_%s: %s", name, table, strings.TrimSpace(line))
				}
			}
		}
	}
}
