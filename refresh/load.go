package refresh

import (
	"context"
	"fmt"
	"slices"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh/apply"
	"github.com/redcache/redcache/refresh/relation"
)

// choose puts a strategy that works in the place of one that chooses, and says why.
func (w *viewWork) choose(ctx context.Context) error {
	choose := apply.Strategies[w.strategy].Choose
	if choose == nil {
		return nil
	}
	habits, err := catalog.In(w.at.tx).Habits(ctx, w.view)
	if err != nil {
		return err
	}
	instead, why := choose(w.view, w.state, habits, w.firstOfDefinition)
	w.strategy = instead
	w.remark(fmt.Sprintf("strategy %s: %s", instead, why))
	return nil
}

// load fills the generation, and makes it when it is new.
func (w *viewWork) load(ctx context.Context) error {
	w.doing = apply.Writing
	if err := w.checkStrangers(ctx); err != nil {
		return err
	}
	if w.newRelation {
		if err := w.clear(ctx); err != nil {
			return err
		}
		build, err := w.buildSteps()
		if err != nil {
			return err
		}
		if err := plan.Run(ctx, w.at.tx, build); err != nil {
			return err
		}
	}
	w.doing = apply.Reading
	o, err := w.fill(ctx)
	if err == nil && w.newRelation {
		w.doing = apply.Indexing
		if err = relation.MoreMemory(ctx, w.at.tx, "maintenance_work_mem"); err != nil {
			return err
		}
		err = plan.Run(ctx, w.at.tx, relation.IndexSteps(w.view, w.view.Generation))
		if err == nil { // what is on the old one comes when readers see it, which may be hours later
			err = relation.KeepPrivate(ctx, w.at.tx, w.view)
		}
	}
	if err == nil && w.worthAnalyzing(o) {
		w.doing = apply.Writing
		err = plan.Run(ctx, w.at.tx, []plan.Step{relation.AnalyzeStep(w.view, w.view.Generation, w.newRelation)})
	}
	if err == nil {
		err = w.checkRows(ctx)
	}
	w.outcome = o
	return err
}

// clear drops what a set has built of the view before, where it is built again: nobody has seen it.
func (w *viewWork) clear(ctx context.Context) error {
	if w.at.set == 0 || w.firstOfDefinition {
		return nil
	}
	return relation.DropGeneration(ctx, w.at.tx, w.view)
}

func (w *viewWork) buildSteps() ([]plan.Step, error) {
	selectSQL := ""
	if w.view.Materialized() {
		var err error
		if selectSQL, err = w.at.source.Select(w.query("")); err != nil {
			return nil, err
		}
	}
	return relation.BuildSteps(w.view, w.view.Generation, apply.Local(w.columns), selectSQL), nil
}

// fill lets the strategy load the generation. Where it is not guarded each time, it is the first time: by a change of what
// is not the query, nobody may lose rows.
func (w *viewWork) fill(ctx context.Context) (catalog.Outcome, error) {
	got, err := apply.Fill(ctx, w.at.tx, w.strategy, w.target())
	w.frozen = got.Frozen
	if err == nil && (w.traits().Guarded || w.firstOfDefinition) {
		err = w.checkShrink(got.RowCount)
	}
	return got.Outcome, err
}

// target is what the strategy may go by.
func (w *viewWork) target() apply.Target {
	t := apply.Target{
		View: w.view, Relation: w.relation(), Fresh: w.newRelation, Before: w.rowsBefore(), Previous: w.previous(),
		Session: w.at.source, Query: w.query(""), Snapshot: w.at.snapshot, AsOf: w.at.asOf, Opened: w.at.opened,
		Patience: w.at.patient, Guard: w.checkShrink, Remark: w.remarkOn,
		Doing: func(what apply.Activity) { w.doing = what },
	}
	if !w.whole {
		t.Watermark = w.state.Watermark
	}
	return t
}

// previous is the generation that runs have written to, where the work builds another of the same query and columns.
func (w *viewWork) previous() string {
	r := w.condition.Relation(w.state.Loaded)
	if !w.newRelation || r == nil || r.Number == w.view.Generation || relation.Worn(w.view, r.Number, r) != "" || r.Forced || !w.state.LoadedBy.SameQuery(w.view.Built()) {
		return ""
	}
	for _, c := range w.columns {
		if i := slices.Index(r.Columns, c.Name); i < 0 || r.Types[i] != c.Type.Local {
			return ""
		}
	}
	return w.view.RelationSQL(r.Number)
}

// worthAnalyzing says whether the planner's statistics can be far off: after a load of everything, and after
// changes beyond those 10 % at which autovacuum would analyze as well.
func (w *viewWork) worthAnalyzing(o catalog.Outcome) bool {
	if w.newRelation || w.traits().AtOnce {
		return true
	}
	return o.RowsInserted+o.RowsUpdated+o.RowsDeleted > 50+o.RowCount/10
}
