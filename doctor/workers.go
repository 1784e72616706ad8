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
	x.held = map[int32]lock.Holder{}
	for _, h := range held {
		if h.Kind == lock.KindView && !h.Waiting {
			x.held[h.ID] = h.Holder
		}
	}
	x.scheduled, err = catalog.In(x.tx).Scheduled(ctx)
	return err
}

// atWork says whether a refresh of the view is under way. A process that was killed leaves its run behind, and no lock.
func (x *exam) atWork(v catalog.Status) bool {
	_, held := x.held[v.View.ID]
	return held && v.Running != nil
}
