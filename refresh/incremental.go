package refresh

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
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
	o := catalog.Outcome{AsOf: w.readUpTo(), Whole: b.low == nil}
	fetch, err := w.fetchSQL(ctx, where, &o)
	if err != nil {
		return catalog.Outcome{}, err
	}
	if err := w.moreMemory(ctx, "work_mem"); err != nil {
		return catalog.Outcome{}, err
	}
	w.doing = writing
	if w.source.transport() == catalog.DblinkTransport {
		w.doing = applying
	}
	var settled, undated int64
	err = w.tx.QueryRow(ctx, w.writeSQL(fetch, b), pgx.QueryExecModeExec).Scan(
		&o.RowsRead, &settled, &o.RowsInserted, &o.RowsUpdated, &o.RowsDeleted, &o.Watermark, &undated)
	if err != nil {
		return catalog.Outcome{}, fmt.Errorf("load rows: %w", err)
	}
	if o.RowCount = settled; !o.Whole || b.high != nil {
		o.RowCount = w.rowCount() + o.RowsInserted - o.RowsDeleted
	}
	if undated > 0 {
		return o, w.fillUndated(ctx, b, &o)
	}
	return o, nil
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
// rows of their keys are read. That is a second look at the source, a moment later, so it moves no watermark.
func (w *work) fillUndated(ctx context.Context, b bounds, o *catalog.Outcome) error {
	where, err := dblink.SameKeyWithout(w.view.Query, w.view.Key, w.view.Watermark)
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
	o.RowsRead += again.RowsRead
	o.RowsUpdated += again.RowsUpdated
	if again.BytesRead != nil {
		*o.BytesRead += *again.BytesRead
	}
	return nil
}

// fetchSQL is the statement that brings the rows for which the condition holds. Through dblink it is a part of the one
// that reads, settles duplicates, writes and counts: that needs no temporary table, whose making and dropping would bloat
// the system catalogs run by run. What this process reads itself has to be put somewhere first.
func (w *work) fetchSQL(ctx context.Context, where string, o *catalog.Outcome) (string, error) {
	if s, ok := w.source.(dblinkSource); ok {
		return w.dblinkSelect(s.Schema(), where)
	}
	got, err := w.stage(ctx, where)
	o.BytesRead = got.bytes
	return stagedSQL(w.names()), err
}

func stagedSQL(columns []string) string {
	return fmt.Sprintf("SELECT %s FROM %s", identList("", columns), staging)
}
