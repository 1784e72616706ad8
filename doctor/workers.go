package doctor

import (
	"context"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/lock"
)

// loadWorkers finds out who is at work, and when a schedule was last followed.
func (x *exam) loadWorkers(ctx context.Context) error {
	held, err := lock.List(ctx, x.tx)
	if err != nil {
		return err
	}
	x.held = map[int32]bool{}
	for _, h := range held {
		if h.Kind == lock.KindView && !h.Waiting {
			x.held[h.ID] = true
		}
	}
	x.scheduled, err = catalog.In(x.tx).Scheduled(ctx)
	return err
}

// atWork says whether a refresh of the view is under way. A process that was killed leaves its run behind, and no lock.
func (x *exam) atWork(v catalog.Status) bool { return v.Running != nil && x.held[v.View.ID] }

// nobodyAt says why nobody has got to what is due: since when no schedule was followed, or that those who do are behind.
func (x *exam) nobodyAt(v catalog.Status) string {
	switch {
	case x.scheduled == nil:
		return "no worker or Lambda has begun a refresh yet"
	case x.scheduled.Before(*v.NextDue):
		return "no worker or Lambda has begun a refresh for " + brief(x.now.Sub(*x.scheduled))
	}
	return "workers or Lambdas are behind"
}
