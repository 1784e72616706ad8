package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/health"
)

// examineStale says of each view that breaks its promise why it does.
func examineStale(_ context.Context, x *exam) ([]Check, error) {
	var objections []Check
	gathered := map[catalog.Name]health.Facts{}
	for _, v := range x.views {
		if !v.Stale {
			continue
		}
		why := health.Of(x.facts(v, gathered))
		objections = append(objections, fail(aboutView(v), strings.Join(append([]string{why.Sentence}, why.Evidence...), "; "), sentence(why.Next)))
	}
	return orOK(objections, x.all(), "every promise of freshness is kept"), nil
}

// facts are what is known of a view, and of all that it is computed from. done has those that were gathered already.
func (x *exam) facts(v catalog.Status, done map[catalog.Name]health.Facts) health.Facts {
	if known, is := done[v.View.Name]; is {
		return known
	}
	f := health.Facts{Status: v, Link: x.rests[v.View.Link.ID], Scheduled: x.scheduled, Now: x.now}
	if holder, held := x.held[v.View.ID]; held {
		f.Holder = &holder
	}
	done[v.View.Name] = f // for what reads itself
	for _, name := range v.View.Inputs() {
		if i := slices.IndexFunc(x.views, func(s catalog.Status) bool { return s.View.Name == name }); i >= 0 {
			f.Inputs = append(f.Inputs, x.facts(x.views[i], done))
		}
	}
	done[v.View.Name] = f
	return f
}

// sentence is an advice as the others are written.
func sentence(advice string) string {
	if advice == "" {
		return ""
	}
	return strings.TrimSuffix(strings.ToUpper(advice[:1])+advice[1:], ".") + "."
}
