package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/read"
	"github.com/redcache/redcache/refresh/relation"
)

// errNullKey means that the query returned rows whose key is NULL.
var errNullKey = errors.New("a key column is NULL")

// work is what a strategy has at hand for one view: the job's transaction, which holds the lock, and its session on
// Redshift, and what the catalog said about the view after the lock was taken.
type work struct {
	*job
	view        catalog.View // its generation is the one that this work fills
	state       catalog.State
	columns     []redshift.Column
	strategy    catalog.Strategy
	allowShrink int  // how many percent of the rows may go
	whole       bool // read everything, whatever the watermark says
	tail        int  // rows past the watermark that recent runs have read, on average
	redefined   bool // the definition asks for a generation that no run has filled
	fresh       bool // the generation is made by this work, and is empty at first

	doing     activity           // what it is at, for whoever explains a failure
	condition relation.Condition // of the view and its generations, when the work began
	lost      bool               // the generation that runs wrote to cannot be used any more
	mend      []Step             // for a plan: what a refresh does beforehand

	proof     proof
	frozen    bool // the rows are visible to every snapshot
	published bool // readers see the generation, at the latest when the transaction has committed
	waited    time.Duration
	outcome   catalog.Outcome
	remarks   []error // for the reason of the run
}

// activity is what happens to the rows: a server's error alone does not say whether a value, an index or something that
// others have made is at fault.
type activity string

const (
	reading  activity = "read rows"           // into a table without indexes, where a value can only not fit
	applying activity = "read and write rows" // in one statement that reads as well
	writing  activity = "write rows"          // that have been read
	indexing activity = "build indexes"       // of what has been read
)

// traits are those of the strategy that works, which may be another one than the definition's, this once.
func (w *work) traits() catalog.Traits {
	t, _ := w.strategy.Traits()
	return t
}

func (w *work) remark(text string) { w.remarkOn(errors.New(text)) }

// remarkOn keeps what somebody else said, which not everybody may read.
func (w *work) remarkOn(err error) { w.remarks = append(w.remarks, err) }

// fill lets the strategy load the generation.
func (w *work) fill(ctx context.Context) (catalog.Outcome, error) {
	switch {
	case w.view.Materialized():
		return w.checkSwitch(fillMaterialized(ctx, w))
	case w.traits().Watermark:
		return w.checkSwitch(fillIncremental(ctx, w))
	case w.fresh:
		return fillTable(ctx, w)
	}
	return fillMerge(ctx, w)
}

// load fills the generation, and makes it when it is new.
func (w *work) load(ctx context.Context) error {
	w.doing = writing
	if w.fresh {
		build, err := w.buildSteps()
		if err != nil {
			return err
		}
		if err := relation.RunSteps(ctx, w.tx, build); err != nil {
			return err
		}
	}
	w.doing = reading
	o, err := w.fill(ctx)
	if err == nil && w.fresh {
		w.doing = indexing
		if err = w.moreMemory(ctx, "maintenance_work_mem"); err != nil {
			return err
		}
		if err = relation.RunSteps(ctx, w.tx, relation.IndexSteps(w.view, w.view.Generation)); err == nil {
			err = w.carry(ctx)
		}
	}
	if err == nil && w.worthAnalyzing(o) {
		w.doing = writing
		err = relation.RunSteps(ctx, w.tx, []Step{relation.AnalyzeStep(w.view, w.view.Generation)})
	}
	w.outcome = o
	return err
}

// carry gives the new generation what people have put on the old one.
func (w *work) carry(ctx context.Context) error {
	w.doing = writing
	p, err := relation.PublishedOf(ctx, w.tx, w.view) // once more: reading took its time
	if err != nil {
		return err
	}
	steps, err := relation.CarrySteps(ctx, w.tx, w.view, p)
	if err != nil {
		return err
	}
	return relation.RunSteps(ctx, w.tx, steps)
}

// seen says whether readers saw the generation already before the transaction.
func (w *work) seen() bool {
	return w.state.Generation != nil && *w.state.Generation == w.view.Generation
}

// safeToPublish says whether the view can be pointed at the new generation in the transaction that loaded it. Rows of a
// materialized view are visible to every snapshot, and so are frozen ones. Others are not: to a transaction that is
// older than they are, the table would look empty, so the view is switched, or made, later, see later.go.
func (w *work) safeToPublish() bool { return w.view.Materialized() || w.frozen }

// worthAnalyzing says whether the planner's statistics can be far off: after a load of everything, and after
// changes beyond those 10 % at which autovacuum would analyze as well.
func (w *work) worthAnalyzing(o catalog.Outcome) bool {
	if w.fresh || w.traits().AtOnce {
		return true
	}
	return o.RowsInserted+o.RowsUpdated+o.RowsDeleted > 50+o.RowCount/10
}

func (w *work) buildSteps() ([]Step, error) {
	selectSQL := ""
	if w.view.Materialized() {
		var err error
		if selectSQL, err = w.source.Select(w.query("")); err != nil {
			return nil, err
		}
	}
	return relation.BuildSteps(w.view, w.view.Generation, local(w.columns), selectSQL), nil
}

// query is what is read of the view: all, or what a condition on the remote side leaves of it.
func (w *work) query(where string) read.Query {
	q := read.Query{Text: w.view.Query, Columns: w.columns, Where: where, NulBytes: w.view.NulBytes}
	if its, _ := w.view.Strategy.Traits(); w.whole && its.Splits {
		q.Split = read.Split{Column: w.view.Split, Type: w.view.SplitType(), Kind: w.view.SplitKind(), Sessions: w.view.Sessions}
	}
	return q
}

// read loads rows into a table of the view's columns.
func (w *work) read(ctx context.Context, where, table string) (read.Loaded, error) {
	got, err := w.source.Load(ctx, w.tx, w.query(where), table)
	for _, remark := range got.Remarks {
		w.remarkOn(remark)
	}
	return got, err
}

func (w *work) relation() string { return w.view.RelationSQL(w.view.Generation) }

// rowCount is how many rows the generation had before.
func (w *work) rowCount() int64 {
	if w.fresh {
		return 0
	}
	return w.rowsBefore()
}

// rowsBefore is how many rows runs of this query have left, in this generation or in the one that it replaces.
func (w *work) rowsBefore() int64 {
	if w.state.RowCount == nil || w.state.Loaded == nil || *w.state.Loaded < w.view.QueryGeneration {
		return 0
	}
	return *w.state.RowCount
}

func (w *work) names() []string { return names(w.columns) }

func names(columns []redshift.Column) []string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.Name
	}
	return list
}

// local is the columns as a generation has them.
func local(columns []redshift.Column) []relation.Column {
	list := make([]relation.Column, len(columns))
	for i, c := range columns {
		list[i] = relation.Column{Name: c.Name, Type: c.Type.Local}
	}
	return list
}

func wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// about says what was being done to which view, unless the error names the view itself.
func about(doing string, name catalog.Name, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*catalog.InvalidError)), errors.As(err, new(*catalog.ExistsError)),
		errors.As(err, new(*catalog.NotFoundError)):
		return err
	}
	return fmt.Errorf("%s %s: %w", doing, name, err)
}
