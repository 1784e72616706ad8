package refresh

import (
	"time"

	"github.com/redcache/redcache/catalog"
)

// restate is what is true of a view whose definition has changed. What only says when, how and for whom it is refreshed
// neither makes a refresh due nor voids what is proven of the copy; but what has failed may be mended by any change.
func restate(before, after catalog.View, s catalog.State, noData bool) catalog.State {
	if after.Watermark != "" && (before.Lookback != after.Lookback || before.SafetyLag != after.SafetyLag) {
		s.Modified, s.Content = nil, nil // rows that were not read may be wanted now
	}
	now := s.Now
	switch {
	case after.RefreshEvery == 0:
		s.NextDue = nil
	case before.Generation != after.Generation:
		now = now.Add(firstDue(noData))
		s.NextDue = &now
	case s.Failures > 0:
		s.NextDue = &now
	case before.RefreshEvery != after.RefreshEvery:
		due := lastStart(before, s).Add(after.RefreshEvery)
		s.NextDue = &due
	}
	s.Failures = 0
	return s
}

// lastStart is when the copy was last refreshed: by the schedule that it was on, or else by its age. It is never in the
// future, whatever clocks have said.
func lastStart(v catalog.View, s catalog.State) time.Time {
	var start time.Time
	switch {
	case v.RefreshEvery > 0 && s.NextDue != nil:
		start = s.NextDue.Add(-v.RefreshEvery)
	case s.AsOf != nil:
		start = *s.AsOf
	}
	if start.After(s.Now) {
		return s.Now
	}
	return start
}
