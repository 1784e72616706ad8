package refresh

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh/relation"
)

// fillMaterialized refreshes a materialized view. The first population of a generation is never concurrent, which
// Postgres would refuse; nobody reads it yet, so nobody waits.
func fillMaterialized(ctx context.Context, w *work) (catalog.Outcome, error) {
	if len(w.view.Key) > 0 {
		if err := w.moreMemory(ctx, "work_mem"); err != nil { // to see whether the key repeats
			return catalog.Outcome{}, err
		}
	}
	before, err := w.written(ctx)
	if err != nil {
		return catalog.Outcome{}, err
	}
	if w.doing = applying; w.fresh {
		w.doing = reading // its indexes are yet to come
	}
	step := refreshStep(w.view, w.view.Generation, w.strategy == catalog.Concurrent && !w.fresh)
	if w.fresh || w.strategy == catalog.Concurrent {
		err = relation.RunSteps(ctx, w.tx, []Step{step})
	} else {
		try := relation.Patience{First: relation.FirstLock, Longest: relation.LongLock, Limit: w.patient}
		err = relation.Patiently(ctx, w.tx, try, "refresh view "+w.view.Name.String(), func(tx pgx.Tx, _ int) error {
			return relation.RunSteps(ctx, tx, []Step{step})
		})
	}
	if err != nil {
		return catalog.Outcome{}, err
	}
	after, err := w.written(ctx)
	if err != nil {
		return catalog.Outcome{}, err
	}
	o := catalog.Outcome{AsOf: w.asOf, Whole: true}
	o.RowsInserted, o.RowsDeleted = after.inserted-before.inserted, after.deleted-before.deleted
	if w.strategy == catalog.Concurrent && !w.fresh {
		o.RowCount = w.rowCount() + o.RowsInserted - o.RowsDeleted
	} else {
		o.RowCount = o.RowsInserted
		o.RowsDeleted = w.rowsBefore()
	}
	o.RowsRead = o.RowCount
	return o, w.checkKey(ctx)
}

func refreshStep(v catalog.View, generation int32, concurrently bool) Step {
	how := ""
	if concurrently {
		how = "CONCURRENTLY "
	}
	return Step{Title: "refresh materialized view", SQL: "REFRESH MATERIALIZED VIEW " + how + v.RelationSQL(generation)}
}

// changes are row counts of one relation in the current transaction.
type changes struct{ inserted, deleted int64 }

// written returns what this transaction has written into the generation so far, as the server counts it anyway.
func (w *work) written(ctx context.Context) (c changes, err error) {
	err = w.tx.QueryRow(ctx, `
		SELECT pg_catalog.pg_stat_get_xact_tuples_inserted(r.oid), pg_catalog.pg_stat_get_xact_tuples_deleted(r.oid)
		FROM (SELECT $1::text::regclass::oid AS oid) r`, w.relation()).Scan(&c.inserted, &c.deleted)
	if err != nil {
		return c, fmt.Errorf("count rows: %w", err)
	}
	return c, nil
}

// checkKey finds rows that the key does not identify. A fresh generation has no index yet to find them by, but all of
// its rows have just been written and are in memory.
func (w *work) checkKey(ctx context.Context) error {
	if len(w.view.Key) == 0 {
		return nil
	}
	var found bool
	err := w.tx.QueryRow(ctx, fmt.Sprintf("SELECT EXISTS (SELECT FROM %s WHERE %s)",
		w.relation(), relation.NullKey(w.view.Key))).Scan(&found)
	if err != nil {
		return fmt.Errorf("check key: %w", err)
	}
	if found {
		return errNullKey
	}
	return nil
}
