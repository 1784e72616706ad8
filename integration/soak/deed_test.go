package main

import (
	"math/rand/v2"
	"testing"

	"github.com/redcache/redcache/catalog"
)

// However few histories a minute has, each of them does all that no history may lack; and the definitions of a few have
// all that definitions may be.
func TestDeeds_EveryHistoryHasThemAll(t *testing.T) {
	t.Parallel()
	traits := map[string]func(d catalog.View) bool{
		"a key of floating point":                func(d catalog.View) bool { return len(d.Key) == 1 && d.Key[0] == "part" },
		"a full read each time":                  func(d catalog.View) bool { return d.ReconcileEvery == always },
		"a split":                                func(d catalog.View) bool { return d.Sessions > 1 },
		"a number with a fraction as a lookback": func(d catalog.View) bool { return d.Lookback == "0.6" },
	}
	const few = 5
	for seed := uint64(1); seed <= few; seed++ {
		h := newHistory(options{}, seed)
		h.units = []*unit{newUnit(0, 0, []catalog.Name{{Schema: "bi", View: "one"}}, []copied{{}})}
		missing := map[string]bool{}
		for _, d := range deeds {
			missing[d.what] = true
		}
		for n := 1; n <= defaultSteps; n++ {
			if p := h.draw(n); p.deed != nil {
				delete(missing, p.deed.what)
			}
		}
		for what := range missing {
			t.Errorf("the history of seed %d has nothing of: %s", seed, what)
		}
		r := rand.New(rand.NewPCG(seed, 1))
		for range 60 {
			d := h.drawDefinition(r)
			for what, has := range traits {
				if has(d) {
					delete(traits, what)
				}
			}
		}
	}
	for what := range traits {
		t.Errorf("no definition has %s", what)
	}
}
