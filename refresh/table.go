package refresh

import (
	"context"
	"fmt"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

// fillTable reads everything into a table that has just been made. Its indexes come afterwards: to build them is much
// cheaper than to keep them while the rows arrive.
func fillTable(ctx context.Context, w *work) (catalog.Outcome, error) {
	got, err := w.read(ctx, "", w.relation())
	if err != nil {
		return catalog.Outcome{}, err
	}
	w.frozen = got.Frozen
	if err := w.checkShrink(got.Rows); err != nil {
		return catalog.Outcome{}, err
	}
	return catalog.Outcome{
		AsOf: w.asOf, Whole: true, RowsRead: got.Rows, BytesRead: got.Bytes,
		RowsInserted: got.Rows, RowsDeleted: w.rowsBefore(), RowCount: got.Rows,
	}, nil
}

// checkSwitch is the guard of those strategies that have none: not even they may lose rows by a change of what is not the
// query. Their own refreshes follow the source wherever it goes.
func (w *work) checkSwitch(o catalog.Outcome, err error) (catalog.Outcome, error) {
	if err == nil && w.redefined {
		err = w.checkShrink(o.RowCount)
	}
	return o, err
}

// checkShrink refuses a source that has lost more rows than the view allows: one that is being loaded, or emptied by
// mistake, would otherwise take the copy with it.
func (w *work) checkShrink(rows int64) error {
	before := w.rowsBefore()
	lost := before - rows
	if lost <= 0 || percent*lost <= int64(w.allowShrink)*before {
		return nil
	}
	hint := "If that is right: " + infra.Command("cachectl", "refresh", w.view.Name.String(), "--allow-shrink", "100")
	if w.redefined {
		hint += ", and then the change once more."
	} else {
		hint += ". For good: " + altering(w.view.Name, "--allow-shrink") + "."
	}
	return infra.Hinted(fmt.Errorf("rows in the source: %d, in the copy: %d; %.1f %% would be lost, and %d %% may be",
		rows, before, percent*float64(lost)/float64(before), w.allowShrink), hint)
}
