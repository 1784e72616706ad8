package refresh

import (
	"fmt"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
)

// checkShrink refuses a source that has lost more rows than the view allows: one that is being loaded, or emptied by
// mistake, would otherwise take the copy with it.
func (w *viewWork) checkShrink(rows int64) error {
	if plan.Rehearses(w.at.tx) { // in which none were read
		return nil
	}
	const percent = 100
	before := w.rowsBefore()
	lost := before - rows
	if lost <= 0 || percent*lost <= int64(w.allowShrink)*before {
		return nil
	}
	hint := "If that is right: " + infra.Command("cachectl", "refresh", w.view.Name.String(), "--allow-shrink", "100")
	if w.firstOfDefinition {
		hint += ", and then the change once more."
	} else {
		hint += ". For good: " + altering(w.view.Name, "--allow-shrink") + "."
	}
	return infra.Hinted(fmt.Errorf("rows in the source: %d, in the copy: %d; %.1f %% would be lost, and %d %% may be",
		rows, before, percent*float64(lost)/float64(before), w.allowShrink), hint)
}
