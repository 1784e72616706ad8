package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh/relation"
)

// ErrNullKey means that the query returned rows whose key is NULL.
var ErrNullKey = errors.New("a key column is NULL")

// refresh has a materialized view refreshed by fn, and says how many rows that wrote. Its rows are there for every
// snapshot, or those before are.
func (t Target) refresh(ctx context.Context, tx pgx.Tx, fn func() error) (f Filled, err error) {
	if len(t.View.Key) > 0 {
		if err = relation.MoreMemory(ctx, tx, "work_mem"); err != nil { // to see whether the key repeats
			return f, err
		}
	}
	before, err := t.written(ctx, tx)
	if err != nil {
		return f, err
	}
	if !t.Fresh { // else its indexes are yet to come
		t.Doing(Applying)
	}
	if err = fn(); err != nil {
		return f, err
	}
	after, err := t.written(ctx, tx)
	if err != nil {
		return f, err
	}
	f = Filled{Outcome: catalog.Outcome{AsOf: t.AsOf, Whole: true}, Frozen: true}
	f.RowsInserted, f.RowsDeleted = after.inserted-before.inserted, after.deleted-before.deleted
	return f, t.checkKey(ctx, tx)
}

func (t Target) refreshStep(concurrently bool) plan.Step {
	step := plan.Step{Title: "refresh materialized view", SQL: "REFRESH MATERIALIZED VIEW " + t.Relation, Live: true}
	switch {
	case concurrently:
		step.SQL, step.Lock = "REFRESH MATERIALIZED VIEW CONCURRENTLY "+t.Relation, plan.Exclusive
	case !t.Fresh:
		step.Lock, step.Hazards = plan.AccessExclusive, []plan.Hazard{plan.Rewrite, plan.ReadersWait}
	}
	return step
}

// changes are row counts of one relation in the current transaction.
type changes struct{ inserted, deleted int64 }

// written returns what this transaction has written into the generation so far, as the server counts it anyway.
func (t Target) written(ctx context.Context, tx pgx.Tx) (c changes, err error) {
	err = tx.QueryRow(ctx, `
		SELECT pg_catalog.pg_stat_get_xact_tuples_inserted(r.oid), pg_catalog.pg_stat_get_xact_tuples_deleted(r.oid)
		FROM (SELECT $1::text::regclass::oid AS oid) r`, t.Relation).Scan(&c.inserted, &c.deleted)
	return c, wrap(err, "count rows")
}

// checkKey finds rows that the key does not identify. A fresh generation has no index yet to find them by, but all of
// its rows have just been written and are in memory.
func (t Target) checkKey(ctx context.Context, tx pgx.Tx) error {
	if len(t.View.Key) == 0 || plan.Rehearses(tx) {
		return nil
	}
	var found bool
	err := tx.QueryRow(ctx, fmt.Sprintf("SELECT EXISTS (SELECT FROM %s WHERE %s)",
		t.Relation, relation.NullKey(t.View.Key))).Scan(&found)
	if err == nil && found {
		return ErrNullKey
	}
	return wrap(err, "check key")
}
