package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/relation"
)

// fillIncremental reads what lies past the watermark and writes what differs.
func fillIncremental(ctx context.Context, w *work) (catalog.Outcome, error) {
	b, err := w.bounds(ctx)
	if err != nil {
		return catalog.Outcome{}, err
	}
	where, err := remoteRange(w.view, b)
	if err != nil {
		return catalog.Outcome{}, err
	}
	if err := w.moreMemory(ctx, "work_mem"); err != nil {
		return catalog.Outcome{}, err
	}
	o := catalog.Outcome{AsOf: w.readUpTo(), Whole: b.low == nil, RowCount: w.rowCount()}
	if len(w.view.Key) == 0 || b.low == nil || w.needsSnapshot() { // one look will do, or both see one moment anyway
		err = w.fillLooks(ctx, where, b, &o)
		return o, err
	}
	once := o
	err = w.fillOnce(ctx, where, b, &once)
	if !errors.Is(err, errLookAgain) {
		return once, err
	}
	err = w.fillInSnapshot(ctx, where, b, &o)
	return o, err
}

// errLookAgain takes back a look at the source of which another one would have to see the moment.
var errLookAgain = errors.New("rows have lost their watermark")

// fillOnce reads and writes where a second look is not called for, as it mostly is not, and else leaves no trace: what the
// first saw may have passed when the second begins.
func (w *work) fillOnce(ctx context.Context, where string, b bounds, o *catalog.Outcome) error {
	outer := w.tx
	defer func() { w.tx = outer }()
	return infra.InSavepoint(ctx, outer, func(nested pgx.Tx) error {
		w.tx = nested
		undated, err := w.fillRange(ctx, where, b, o)
		if err == nil && undated > 0 {
			err = errLookAgain
		}
		return err
	})
}

// fillInSnapshot has all looks see one moment.
func (w *work) fillInSnapshot(ctx context.Context, where string, b bounds, o *catalog.Outcome) error {
	if err := w.source.Begin(ctx); err != nil {
		return err
	}
	if err := w.fillLooks(ctx, where, b, o); err != nil {
		return err
	}
	return w.source.Commit(ctx)
}

// fillLooks takes the second look as well, where one is called for.
func (w *work) fillLooks(ctx context.Context, where string, b bounds, o *catalog.Outcome) error {
	undated, err := w.fillRange(ctx, where, b, o)
	if err == nil && undated > 0 {
		err = w.fillUndated(ctx, b, o)
	}
	return err
}

// fillRange reads what lies within the bounds, writes what differs, and adds to what the refresh has come to. It returns how
// many rows have lost their watermark, and are left to fillUndated.
func (w *work) fillRange(ctx context.Context, where string, b bounds, o *catalog.Outcome) (undated int64, err error) {
	again := catalog.Outcome{}
	fetch, err := w.fetchSQL(ctx, where, &again)
	if err != nil {
		return 0, err
	}
	w.doing = writing
	if w.source.Selects() { // in the statement that writes
		w.doing = applying
	}
	var settled int64
	err = w.tx.QueryRow(ctx, w.writeSQL(fetch, b), pgx.QueryExecModeExec).Scan(
		&again.RowsRead, &settled, &again.RowsInserted, &again.RowsUpdated, &again.RowsDeleted, &o.Watermark, &undated)
	if err != nil {
		return 0, fmt.Errorf("load rows: %w", err)
	}
	sum(o, again)
	if o.Whole && b.high == nil {
		o.RowCount = settled
	}
	return undated, nil
}

// clockStep is how far the remote clock can be behind itself: GETDATE() has whole seconds.
const clockStep = time.Second

// readUpTo is the moment before which every remote commit is read. With a safety lag, rows are read up to the remote clock
// minus the lag. That clock was asked after this database's own had been, and what it says is up to a second old.
func (w *work) readUpTo() time.Time {
	if w.view.SafetyLag == 0 {
		return w.asOf
	}
	return w.opened.Add(-w.view.SafetyLag - clockStep)
}

// fillUndated writes rows that were read without a watermark where the copy has one. Their watermark has become NULL, or
// they are duplicates of a row that is older than what was read, and counts for more. Which of the two is known once all
// rows of their keys are read, in the snapshot of what was read.
func (w *work) fillUndated(ctx context.Context, b bounds, o *catalog.Outcome) error {
	where, err := redshift.SameKeyWithout(w.view.Query, w.view.Key, w.view.Watermark)
	if err != nil {
		return err
	}
	again := catalog.Outcome{}
	fetch, err := w.fetchSQL(ctx, where, &again)
	if err != nil {
		return err
	}
	err = w.tx.QueryRow(ctx, w.undatedSQL(fetch, b), pgx.QueryExecModeExec).Scan(&again.RowsRead, &again.RowsUpdated)
	if err != nil {
		return fmt.Errorf("load rows without a watermark: %w", err)
	}
	sum(o, again)
	return nil
}

// sum adds what a read has brought to what others have.
func sum(o *catalog.Outcome, more catalog.Outcome) {
	o.RowsRead += more.RowsRead
	o.RowsInserted += more.RowsInserted
	o.RowsUpdated += more.RowsUpdated
	o.RowsDeleted += more.RowsDeleted
	o.RowCount += more.RowsInserted - more.RowsDeleted
	if more.BytesRead != nil {
		bytes := *more.BytesRead
		if o.BytesRead != nil {
			bytes += *o.BytesRead
		}
		o.BytesRead = &bytes
	}
}

// fetchSQL is the statement that brings the rows for which the condition holds. Through dblink it is a part of the one
// that reads, settles duplicates, writes and counts: that needs no temporary table, whose making and dropping would bloat
// the system catalogs run by run. What this process reads itself has to be put somewhere first.
func (w *work) fetchSQL(ctx context.Context, where string, o *catalog.Outcome) (string, error) {
	if w.source.Selects() {
		return w.source.Select(w.query(where))
	}
	got, err := w.stage(ctx, where)
	o.BytesRead = got.Bytes
	return stagedSQL(w.names()), err
}

func stagedSQL(columns []string) string {
	return fmt.Sprintf("SELECT %s FROM %s", relation.IdentList("", columns), staging)
}
