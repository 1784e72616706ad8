package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/apply"
	"github.com/redcache/redcache/refresh/read"
	"github.com/redcache/redcache/refresh/relation"
)

// viewWork is what an attempt does on one view: what the catalog said about it after the lock was taken, what is decided by that,
// and what has come of it.
type viewWork struct {
	at                *attempt     // that it is a part of
	view              catalog.View // its generation is the one that this work fills
	state             catalog.State
	columns           []redshift.Column
	strategy          catalog.Strategy
	allowShrink       int  // how many percent of the rows may go
	whole             bool // read everything, whatever the watermark says
	tail              int  // rows past the watermark that recent runs have read, on average
	firstOfDefinition bool // the definition asks for a generation that no run has filled
	newRelation       bool // the generation is made by this work, and is empty at first

	doing     apply.Activity     // what it is at, for whoever explains a failure
	condition relation.Condition // of the view and its generations, when the work began
	lost      bool               // the generation that runs wrote to cannot be used any more

	proof     proof
	frozen    bool // no snapshot, however old, sees the generation empty
	published bool // readers see the generation, at the latest when the transaction has committed
	waited    time.Duration
	outcome   catalog.Outcome
	remarks   []error // for the reason of the run
}

// traits are those of the strategy that works, which may be another one than the definition's, this once.
func (w *viewWork) traits() catalog.Traits {
	t, _ := w.strategy.Traits()
	return t
}

func (w *viewWork) remark(text string) { w.remarkOn(errors.New(text)) }

// remarkOn keeps what somebody else said, which not everybody may read.
func (w *viewWork) remarkOn(err error) { w.remarks = append(w.remarks, err) }

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
	if !w.newRelation || r == nil || relation.Worn(w.view, r.Number, r) != "" || r.Forced || !w.state.LoadedBy.SameQuery(w.view.Built()) {
		return ""
	}
	for _, c := range w.columns {
		if i := slices.Index(r.Columns, c.Name); i < 0 || r.Types[i] != c.Type.Local {
			return ""
		}
	}
	return w.view.RelationSQL(r.Number)
}

// load fills the generation, and makes it when it is new.
func (w *viewWork) load(ctx context.Context) error {
	w.doing = apply.Writing
	if w.newRelation {
		build, err := w.buildSteps()
		if err != nil {
			return err
		}
		if err := relation.RunSteps(ctx, w.at.tx, build); err != nil {
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
		err = relation.RunSteps(ctx, w.at.tx, relation.IndexSteps(w.view, w.view.Generation))
		if err == nil { // what is on the old one comes when readers see it, which may be hours later
			err = relation.KeepPrivate(ctx, w.at.tx, w.view)
		}
	}
	if err == nil && w.worthAnalyzing(o) {
		w.doing = apply.Writing
		err = relation.RunSteps(ctx, w.at.tx, []Step{relation.AnalyzeStep(w.view, w.view.Generation, w.newRelation)})
	}
	w.outcome = o
	return err
}

// seen says whether readers saw the generation already before the transaction.
func (w *viewWork) seen() bool {
	return w.state.Generation != nil && *w.state.Generation == w.view.Generation
}

// worthAnalyzing says whether the planner's statistics can be far off: after a load of everything, and after
// changes beyond those 10 % at which autovacuum would analyze as well.
func (w *viewWork) worthAnalyzing(o catalog.Outcome) bool {
	if w.newRelation || w.traits().AtOnce {
		return true
	}
	return o.RowsInserted+o.RowsUpdated+o.RowsDeleted > 50+o.RowCount/10
}

func (w *viewWork) buildSteps() ([]Step, error) {
	selectSQL := ""
	if w.view.Materialized() {
		var err error
		if selectSQL, err = w.at.source.Select(w.query("")); err != nil {
			return nil, err
		}
	}
	return relation.BuildSteps(w.view, w.view.Generation, apply.Local(w.columns), selectSQL), nil
}

// query is what is read of the view: all, or what a condition on the remote side leaves of it.
func (w *viewWork) query(where string) read.Query {
	q := read.Query{Text: w.view.Query, Columns: w.columns, Where: where, NulBytes: w.view.NulBytes}
	if its, _ := w.view.Strategy.Traits(); w.whole && its.Splits {
		q.Split = read.Split{Column: w.view.Split, Type: w.view.SplitType(), Sessions: w.view.Sessions}
	}
	return q
}

func (w *viewWork) relation() string { return w.view.RelationSQL(w.view.Generation) }

// rowsBefore is how many rows runs of this query have left, in this generation or in the one that it replaces.
func (w *viewWork) rowsBefore() int64 {
	if w.state.RowCount == nil || w.state.Loaded == nil || !w.state.LoadedBy.SameQuery(w.view.Built()) {
		return 0
	}
	return *w.state.RowCount
}

func wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// about says what was being done to which view, unless the error says so itself.
func about(doing string, name catalog.Name, err error) error {
	switch said := (*doneTo)(nil); {
	case err == nil:
		return nil
	case errors.As(err, new(*catalog.InvalidError)), errors.As(err, new(*catalog.ExistsError)),
		errors.As(err, new(*catalog.NotFoundError)), errors.As(err, &said) && said.name == name:
		return err
	}
	return &doneTo{doing, name, err}
}

// doneTo is what failed while something was done to a view.
type doneTo struct {
	doing string
	name  catalog.Name
	err   error
}

func (e *doneTo) Error() string { return fmt.Sprintf("%s %s: %s", e.doing, e.name, e.err) }
func (e *doneTo) Unwrap() error { return e.err }
