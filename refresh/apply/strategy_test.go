package apply_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh/apply"
)

// What the catalog says of a strategy and what the strategy does are two tables with the same strategies.
func TestStrategies_AreThoseOfTheCatalog(t *testing.T) {
	t.Parallel()
	for name, does := range apply.Strategies {
		_, known := name.Traits()
		fills, chooses := does.Fill != nil, does.Choose != nil
		if !known || fills == chooses {
			t.Errorf("%s: the catalog knows it: %v; it fills: %v, and chooses: %v", name, known, fills, chooses)
		}
	}
	for _, row := range catalog.Table {
		if _, found := apply.Strategies[row.Strategy]; found == row.Rowless {
			t.Errorf("%s keeps no rows: %v; it does something: %v", row.Strategy, row.Rowless, found)
		}
	}
}

// What does not exist, what only chooses, and what would write a second time into what is there, is refused before anything
// is done: none of it is given a session or a transaction here.
func TestFill_RefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		strategy catalog.Strategy
		fresh    bool
		want     string
	}{
		{"fast", true, `strategy "fast" fills nothing`},
		{"", false, `strategy "" fills nothing`},
		{catalog.Auto, true, `strategy "auto" fills nothing`},
		{catalog.Swap, false, "strategy swap makes a generation each time, and v1_g1 is there"},
	} {
		target := apply.Target{Relation: "v1_g1", Fresh: tt.fresh}
		if _, err := apply.Fill(t.Context(), nil, tt.strategy, target); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.strategy, err, tt.want)
		}
	}
}

// Whatever auto decides for must be something that fills tables, and needs no more than auto does.
func TestAuto_ChoosesWhatFillsATable(t *testing.T) {
	t.Parallel()
	rows := int64(1 << 30)
	for _, key := range [][]string{nil, {"id"}} {
		for _, h := range []catalog.Habits{{}, {Waited: 1 << 40}, {Merges: 1}, {Merges: 1, Changed: 1}} {
			for _, s := range []catalog.State{{}, {RowCount: &rows}} {
				v := catalog.View{Definition: catalog.Definition{Key: key}}
				got, why := apply.Strategies[catalog.Auto].Choose(v, s, h, false)
				its, _ := got.Traits()
				if apply.Strategies[got].Fill == nil || its.Materialized || !v.Meets(got) || why == "" ||
					!slices.Contains(catalog.Strategies, got) {
					t.Errorf("with key %v, %+v: %s, because %q", key, h, got, why)
				}
			}
		}
	}
}
