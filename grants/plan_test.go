package grants_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/grants"
	"github.com/redcache/redcache/internal/pgtest"
)

// What `grants sync --dry-run` prints is what runs: it has the statements that the server then logs, but for what notes the
// state of the view.
func TestSync_ItsDryRunIsWhatRuns(t *testing.T) {
	t.Parallel()
	b := setup(t, sale, `GRANT USAGE ON SCHEMA shop TO PUBLIC`)
	b.audited(t)
	b.remote(t, `CREATE ROLE @r_yes LOGIN; CREATE ROLE @r_no LOGIN; GRANT SELECT ON shop.sale TO @r_yes`)
	b.people(t, "@good", "@bad", `"@Bad ""2"""`, "@half", "@chief")
	b.add(t, "sale", "SELECT id, price FROM shop.sale", b.prefix+"good", b.prefix+"bad", "public")
	b.add(t, "other", "SELECT id FROM shop.sale", b.prefix+"bad")
	b.add(t, "kept", "SELECT id FROM shop.sale", b.prefix+"good")
	b.local(t, `GRANT SELECT ON bi.sale TO "@Bad ""2"""; GRANT SELECT (id) ON bi.sale TO @half; GRANT SELECT ON bi.sale TO @chief WITH GRANT OPTION`)

	log := pgtest.LogStatements(t, b.cache)
	auditor := grants.New(pgtest.OpenPool(t, b.cache.URL), grants.Config{
		Mapping: b.mapping(t, `@good=@r_yes,@bad=@r_no,"@Bad ""2"""=@r_no,@half=@r_no,@chief=@r_no`),
	})
	for _, want := range []int{10, 0} {
		before := log.Until(t)
		changes, _, err := auditor.Sync(t.Context(), nil, true)
		if err != nil {
			t.Fatal(err)
		}
		middle := log.Until(t)
		if stayed := log.Changing(t, before, middle); stayed != nil {
			t.Errorf("the dry run left behind what was done by %q", stayed)
		}
		if _, _, err := auditor.Sync(t.Context(), nil, false); err != nil {
			t.Fatal(err)
		}
		planned := []string{}
		for _, c := range changes {
			for _, statement := range c.Statements {
				planned = append(planned, pgtest.Comparable(statement))
			}
		}
		logged := slices.DeleteFunc(log.Changing(t, middle, log.Until(t)), func(statement string) bool {
			return strings.Contains(statement, "UPDATE redcache.state")
		})
		if diff := cmp.Diff(planned, append([]string{}, logged...)); diff != "" || len(planned) != want {
			t.Errorf("%d statements, want %d (-planned +logged):\n%s", len(planned), want, diff)
		}
	}
}
