package pipeline

import (
	"fmt"
	"slices"
	"time"

	"github.com/redcache/redcache/catalog"
)

// derive gives intervals to views of which none is said and on which the promise of another one rests. What a view shows is as old
// as its oldest input, plus what it waits for itself: the intervals on the way down to Redshift add up. So the age that is promised
// is divided among the levels, in equal parts, one of which is left for the reading. A view without rows waits for nothing: it is
// no level of its own.
func (p *Project) derive(all map[*View]*catalog.Definition) {
	sorted := p.Sorted()
	depth, budget := map[*View]int{}, map[*View]time.Duration{}
	for _, v := range sorted {
		for _, input := range v.Inputs {
			depth[v] = max(depth[v], depth[input]+1)
		}
		if d := all[v]; d != nil && d.Rowless() {
			depth[v] = max(depth[v]-1, 0)
		}
	}
	for _, v := range slices.Backward(sorted) {
		d := all[v]
		if d == nil {
			continue
		}
		tighten(budget, v, d.MaxAge)
		left, wanted := budget[v]
		if !wanted {
			continue
		}
		if !d.Rowless() && v.Draft.RefreshEvery == nil && p.Config.Defaults.RefreshEvery == nil {
			const levels = 2 // its own, and the one that is left
			d.RefreshEvery = max((left / time.Duration(depth[v]+levels)).Truncate(time.Second), time.Second)
		}
		for _, input := range v.Inputs {
			tighten(budget, input, max(left-d.RefreshEvery, time.Second))
		}
	}
}

// tighten notes that a view, with all that is below it, must not be older than that; zero says nothing.
func tighten(budget map[*View]time.Duration, v *View, age time.Duration) {
	if now, is := budget[v]; age > 0 && (!is || age < now) {
		budget[v] = age
	}
}

// promises finds those that cannot be kept, of views that change, or stand on one that does. Where something is refreshed on
// demand only, nobody knows.
func (p *Project) promises(all map[*View]*catalog.Definition, changes []Change) (problems Problems) {
	worst, changed := map[*View]time.Duration{}, map[*View]bool{}
	for _, c := range changes {
		changed[c.View] = c.Kind != Unchanged
	}
	for _, v := range p.Sorted() {
		changed[v] = changed[v] || slices.ContainsFunc(v.Inputs, func(input *View) bool { return changed[input] })
		d := all[v]
		oldest := v.oldest(worst)
		if d == nil || d.RefreshEvery == 0 && !d.Rowless() || len(v.Inputs) > 0 && oldest == nil {
			continue
		}
		worst[v] = d.RefreshEvery + worst[oldest]
		if oldest != nil && d.MaxAge > 0 && worst[v] > d.MaxAge && changed[v] {
			waits := "it is refreshed every " + catalog.FormatDuration(d.RefreshEvery)
			if d.Rowless() {
				waits = "it keeps no rows"
			}
			problems = append(problems, v.problem(0, fmt.Sprintf("max-age %s cannot be kept: %s, and %s may be %s old by then",
				catalog.FormatDuration(d.MaxAge), waits, oldest.Name, catalog.FormatDuration(worst[oldest])),
				"Promise more, or have it and what it reads refreshed more often; without @every that follows from @max-age."))
		}
	}
	return problems
}

// oldest is the input that may be the oldest; nil where one may be of any age, or there is none.
func (v *View) oldest(worst map[*View]time.Duration) (oldest *View) {
	for _, input := range v.Inputs {
		if _, known := worst[input]; !known {
			return nil
		}
		if oldest == nil || worst[input] > worst[oldest] {
			oldest = input
		}
	}
	return oldest
}
