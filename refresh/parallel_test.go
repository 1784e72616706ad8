package refresh_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// Views of one schema with one reader share rows of PostgreSQL's catalogs, which two transactions cannot write at once.
func TestSwap_ViewsOfOneSchemaDoNotMeet(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	const views, rounds = 3, 10
	var all []catalog.View
	for i := range views {
		v := b.salesView(catalog.Swap)
		v.Name.View, v.Grantees = fmt.Sprint("v", i), []string{"public"}
		b.add(t, v)
		all = append(all, v)
	}
	var group sync.WaitGroup
	for _, v := range all {
		group.Go(func() {
			for range rounds {
				run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
				if err != nil || run.Attempts != 1 {
					t.Errorf("%s: %d attempts, %v", v.Name, run.Attempts, err)
				}
			}
		})
	}
	group.Wait()
	for _, v := range all {
		b.wantEqual(t, v)
	}
	b.wantNothingLeft(t)
}
