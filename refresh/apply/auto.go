package apply

import (
	"fmt"
	"time"

	"github.com/redcache/redcache/catalog"
)

// What strategy auto goes by. docs/benchmarks.md has the measurements behind the numbers.
const (
	fewRows      = 10_000      // so few are compared faster than a table and its indexes are made
	manyChanges  = 0.2         // from this share on, writing all rows anew is cheaper than writing the changed ones
	longWait     = time.Second // readers that hold up a switch for so long will do so again
	percent      = 100
	noComparison = "no recent refresh has counted how many rows change"
)

// auto decides between swap, which writes everything and needs a moment without readers, and merge, which compares
// everything and writes what differs.
func auto(v catalog.View, s catalog.State, h catalog.Habits, redefined bool) (catalog.Strategy, string) {
	switch {
	case len(v.Key) == 0:
		return catalog.Swap, "there is no key to compare rows by"
	case redefined || s.RowCount == nil:
		return catalog.Swap, "there is nothing to compare with yet"
	case h.Waited >= longWait:
		return catalog.Merge, fmt.Sprintf("readers held up a recent switch for %s", h.Waited.Round(longWait/percent))
	case *s.RowCount <= fewRows:
		return catalog.Merge, fmt.Sprintf("%d rows are few", *s.RowCount)
	case h.Merges == 0:
		return catalog.Merge, noComparison
	case h.Changed > manyChanges:
		return catalog.Swap, fmt.Sprintf("recent refreshes changed %.0f %% of the rows", percent*h.Changed)
	}
	return catalog.Merge, fmt.Sprintf("recent refreshes changed %.1f %% of the rows", percent*h.Changed)
}
