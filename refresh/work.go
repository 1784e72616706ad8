package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
)

// errNullKey means that the query returned rows whose key is NULL.
var errNullKey = errors.New("a key column is NULL")

// work is what a strategy has at hand: the transaction that holds the lock, an open session to Redshift, and what
// the catalog said about the view after the lock was taken.
type work struct {
	tx       pgx.Tx
	session  *dblink.Session
	view     catalog.View
	state    catalog.State
	columns  []dblink.Column
	strategy catalog.Strategy
	whole    bool // read everything, whatever the watermark says
	fresh    bool // the generation has just been made, and is empty

	published bool // readers see the generation, at the latest when the transaction has committed
}

// fill lets the strategy load the generation that the definition asks for.
func (w *work) fill(ctx context.Context) (catalog.Outcome, error) {
	if w.strategy == catalog.Incremental {
		return fillIncremental(ctx, w)
	}
	return fillMaterialized(ctx, w)
}

// load fills the generation, and makes and publishes it when it is new.
func (w *work) load(ctx context.Context) (catalog.Outcome, error) {
	if w.fresh {
		build, err := w.buildSteps()
		if err != nil {
			return catalog.Outcome{}, err
		}
		if err := runSteps(ctx, w.tx, build); err != nil {
			return catalog.Outcome{}, err
		}
	}
	o, err := w.fill(ctx)
	if err != nil {
		return o, err
	}
	if w.fresh {
		err = runSteps(ctx, w.tx, indexSteps(w.view, w.view.Generation))
	}
	if err == nil && w.worthAnalyzing(o) {
		err = runSteps(ctx, w.tx, []Step{analyzeStep(w.view, w.view.Generation)})
	}
	if err != nil {
		return o, err
	}
	w.published = w.seen()
	if !w.published && w.safeToPublish() {
		w.published = true
		err = w.publish(ctx)
	}
	return o, err
}

// seen says whether readers saw the generation already before the transaction.
func (w *work) seen() bool {
	return w.state.Generation != nil && *w.state.Generation == w.view.Generation
}

// safeToPublish says whether the view can be pointed at the new generation in the transaction that loaded it. Rows of a
// materialized view are visible to every snapshot. Those of a table are not: to a transaction that is older than they
// are, the table would look empty, so the view that it reads is switched later, see later.go. Where nothing was
// published before, there is nothing that such a transaction could lose.
func (w *work) safeToPublish() bool { return w.view.Materialized() || w.state.Generation == nil }

// worthAnalyzing says whether the planner's statistics can be far off: after a load of everything, and after
// changes beyond those 10 % at which autovacuum would analyze as well.
func (w *work) worthAnalyzing(o catalog.Outcome) bool {
	if w.fresh || w.strategy == catalog.Nonconcurrent {
		return true
	}
	return o.RowsInserted+o.RowsUpdated+o.RowsDeleted > 50+o.RowCount/10
}

func (w *work) buildSteps() ([]Step, error) {
	selectSQL, err := selectAll(w.view, w.columns, w.session.Schema())
	if err != nil {
		return nil, err
	}
	return buildSteps(w.view, w.view.Generation, w.columns, selectSQL), nil
}

// selectAll is the local statement that reads the view's whole query through its link.
func selectAll(v catalog.View, columns []dblink.Column, schema string) (string, error) {
	remote, err := dblink.RemoteSelect(columns, v.Query, "", v.TextPolicy())
	if err != nil {
		return "", err
	}
	return dblink.Select(schema, v.Link.Server().Name, columns, remote), nil
}

// now is this database's clock. Read before the remote side is, it is a moment whose remote commits are all seen.
func (w *work) now(ctx context.Context) (now time.Time, err error) {
	err = w.tx.QueryRow(ctx, `SELECT pg_catalog.clock_timestamp()`).Scan(&now)
	return now, wrap(err, "read clock")
}

func (w *work) relation() string { return w.view.RelationSQL(w.view.Generation) }

func (w *work) rowCount() int64 {
	if w.state.RowCount == nil || w.fresh {
		return 0
	}
	return *w.state.RowCount
}

func (w *work) names() []string {
	names := make([]string, len(w.columns))
	for i, c := range w.columns {
		names[i] = c.Name
	}
	return names
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
