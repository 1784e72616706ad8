package refresh

import (
	"context"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh/read"
	"github.com/redcache/redcache/refresh/relation"
)

// showInputs is the refresh of a view that keeps no rows: what others have done to it is mended, and that is all.
func (a *attempt) showInputs(ctx context.Context, j *job) error {
	w := a.works[0]
	source, err := read.LocalIn(ctx, a.tx, w.view.Inputs(), 0)
	if err != nil {
		return err
	}
	a.source, a.asOf = source, source.AsOf(w.state.Now)
	if w.newRelation {
		if err := relation.CheckInputs(ctx, a.tx, w.view, w.view.Inputs()); err != nil {
			return err
		}
		w.frozen, w.outcome = true, catalog.Outcome{AsOf: a.asOf}
		return a.publish(ctx, j)
	}
	w.proof.unchanged, w.proof.how = &a.asOf, "it keeps no rows, and shows what its inputs have"
	return a.recordUnchanged(ctx, j)
}
