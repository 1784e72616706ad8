package apply

import (
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
)

func TestAuto(t *testing.T) {
	t.Parallel()
	const many = 1_000_000
	keyed, none := []string{"id"}, []string(nil)
	for _, tt := range []struct {
		name      string
		key       []string
		rows      int64 // negative: none were counted yet
		habits    catalog.Habits
		redefined bool
		want      catalog.Strategy
		why       string
	}{
		{"no key", none, 10, catalog.Habits{Merges: 5, Waited: time.Hour}, false, catalog.Swap, "no key"},
		{"first load", keyed, -1, catalog.Habits{}, true, catalog.Swap, "nothing to compare with"},
		{"never counted", keyed, -1, catalog.Habits{}, false, catalog.Swap, "nothing to compare with"},
		{"new definition", keyed, many, catalog.Habits{Merges: 5, Changed: 0.01, Waited: time.Minute}, true, catalog.Swap, "nothing to compare with"},
		{"no rows", keyed, 0, catalog.Habits{}, false, catalog.Merge, "0 rows are few"},
		{"few rows, all change", keyed, fewRows, catalog.Habits{Merges: 5, Changed: 1}, false, catalog.Merge, "10000 rows are few"},
		{"one more, all change", keyed, fewRows + 1, catalog.Habits{Merges: 5, Changed: 1}, false, catalog.Swap, "100 % of the rows"},
		{"nothing known", keyed, many, catalog.Habits{}, false, catalog.Merge, noComparison},
		{"nothing known, short waits", keyed, many, catalog.Habits{Waited: longWait - 1}, false, catalog.Merge, noComparison},
		{"readers stay", keyed, many, catalog.Habits{Merges: 3, Changed: 1, Waited: 1500 * time.Millisecond}, false, catalog.Merge, "a recent switch for 1.5s"},
		{"readers stay for just so long", keyed, many, catalog.Habits{Merges: 3, Changed: 1, Waited: longWait}, false, catalog.Merge, "for 1s"},
		{"readers leave", keyed, many, catalog.Habits{Merges: 3, Changed: 1, Waited: longWait - 1}, false, catalog.Swap, "100 % of the rows"},
		{"nothing changes", keyed, many, catalog.Habits{Merges: 1}, false, catalog.Merge, "0.0 % of the rows"},
		{"some change", keyed, many, catalog.Habits{Merges: 1, Changed: 0.0123}, false, catalog.Merge, "1.2 % of the rows"},
		{"just not too many change", keyed, many, catalog.Habits{Merges: 1, Changed: manyChanges}, false, catalog.Merge, "20.0 % of the rows"},
		{"too many change", keyed, many, catalog.Habits{Merges: 1, Changed: 0.21}, false, catalog.Swap, "21 % of the rows"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var state catalog.State
			if tt.rows >= 0 {
				state.RowCount = &tt.rows
			}
			got, why := auto(catalog.View{Definition: catalog.Definition{Key: tt.key}}, state, tt.habits, tt.redefined)
			if got != tt.want || !strings.Contains(why, tt.why) {
				t.Errorf("got %s, for the reason %q; want %s, for %q", got, why, tt.want, tt.why)
			}
		})
	}
}
