package schedule

import "github.com/redcache/redcache/catalog"

// choose picks what to start in the free places: each goes to a view of the link that has the fewest under way, and
// among those to the one that comes first in due. No link gets beyond its limit.
func choose(due []catalog.Due, free int, running, limits map[int32]int) []catalog.Due {
	var chosen []catalog.Due
	taken := make([]bool, len(due))
	for len(chosen) < free {
		best := -1
		for i, d := range due {
			if taken[i] || running[d.LinkID] >= limits[d.LinkID] {
				continue
			}
			if best < 0 || running[d.LinkID] < running[due[best].LinkID] {
				best = i
			}
		}
		if best < 0 {
			break
		}
		taken[best] = true
		running[due[best].LinkID]++
		chosen = append(chosen, due[best])
	}
	return chosen
}

// limits returns how many refreshes of each link, and of what is read through none, this process may have under way.
func (c Config) limits(links []catalog.Link) map[int32]int {
	perLink := c.PerLink
	switch {
	case perLink > 0:
	case len(links) == 1:
		perLink = c.Concurrency
	default:
		perLink = (c.Concurrency + 1) / 2
	}
	limits := map[int32]int{0: perLink} // local views are read through none
	for _, link := range links {
		limits[link.ID] = min(perLink, link.MaxConcurrency)
	}
	return limits
}
