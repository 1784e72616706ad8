package refresh

import (
	"fmt"
	"slices"

	"github.com/redcache/redcache/catalog"
)

// choosePublishing settles how the members reach their readers: all by new generations, or all by rows that change. Either shows a
// reader one age. A mixture does not: rows that change are hidden from a transaction that began before, and a view
// that points at another generation is not.
func (a *attempt) choosePublishing() error {
	for _, w := range a.works[1:] {
		if first := a.works[0].view; w.view.Link.ID != first.Link.ID {
			return &catalog.InvalidError{
				What:    "group " + first.Group,
				Problem: "it has views of link " + first.Link.Name + " and of link " + w.view.Link.Name,
				Fix:     "one snapshot is of one Redshift: give the views of each link a group of their own",
			}
		}
	}
	rebuild := slices.ContainsFunc(a.works, func(w *viewWork) bool { return w.newRelation || w.mustSwap() }) ||
		!slices.ContainsFunc(a.works, func(w *viewWork) bool { return !w.traits().Anew })
	for _, w := range a.works {
		switch {
		case rebuild && !w.newRelation && (w.traits().Anew || len(a.works) > 1):
			w.nextGeneration()
		case !rebuild && w.traits().Anew:
			w.strategy = w.traits().InPlace
			w.remark(fmt.Sprintf("strategy %s: others of the group change their rows in place", w.strategy))
		}
	}
	return nil
}

// mustSwap says whether the rows cannot change in place: for want of a key by which to compare them, or, in a group,
// because a REFRESH shows its rows also to a transaction that is to see the old ones of the other members, or because
// readers do not see the generation yet.
func (w *viewWork) mustSwap() bool {
	if len(w.at.works) > 1 && (w.traits().AtOnce || !w.seen()) {
		return true
	}
	return w.traits().Anew && !w.view.Meets(w.traits().InPlace)
}

// keepGeneration takes back what nextGeneration has planned.
func (w *viewWork) keepGeneration() { w.view.Generation = *w.state.Generation }

// nextGeneration has another relation built, of the same definition. What is built beside what readers see has its number.
func (w *viewWork) nextGeneration() {
	if w.at.set == 0 {
		w.view.Generation = w.condition.Next(w.state.Highest)
	}
	w.newRelation, w.whole = true, true
}

// canMerge says whether there is another way than a switch: what readers see now was built by the same definition as what
// is to replace it.
func canMerge(fresh []*viewWork) bool {
	return !slices.ContainsFunc(fresh, func(w *viewWork) bool {
		seen := w.state.Generation
		return seen == nil || w.state.SeenBy.Rebuilds(w.view.Built()) || !w.view.Meets(w.traits().InPlace) || !w.mergeable()
	})
}

// mergeable says whether all rows that readers see can be compared and written.
func (w *viewWork) mergeable() bool {
	r := w.condition.Seen(w.view, w.state)
	return r != nil && r.Kind == "r" && !r.Forced && w.condition.Lost(w.view, r.Number) == ""
}
