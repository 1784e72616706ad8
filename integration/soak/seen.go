package main

import (
	"maps"
	"slices"
)

// mayBeSeen notes what readers may see in the step that has come to rest.
func (h *history) mayBeSeen(u *unit, before, after []copied, nodes []node, between bool) {
	s := seenIn{vectors: map[string]bool{}}
	s.vectors[seenVector(before)], s.vectors[seenVector(after)] = true, true
	if between {
		for _, n := range nodes {
			var all [][]row
			for _, b := range n.bases {
				all = append(all, b.rows)
				s.anything = s.anything || slices.ContainsFunc(b.rows, func(r row) bool { return r.alts != nil })
			}
			s.vectors[vectorOf(all)] = true
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	s.anything = s.anything || u.gone[h.at]
	if len(u.steps) > h.at { // the step went on
		first := u.steps[h.at]
		maps.Copy(first.vectors, s.vectors)
		u.steps[h.at] = seenIn{first.vectors, first.anything || s.anything}
		return
	}
	u.steps = append(u.steps, s)
}

func seenVector(copies []copied) string {
	all := make([][]row, len(copies))
	for n, c := range copies {
		all[n] = c.seen
	}
	return vectorOf(all)
}
