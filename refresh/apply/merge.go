package apply

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/plan"
)

// merge reads everything beside the generation, and writes into it what differs. Readers never wait: the strongest lock is
// the one of an UPDATE. What is filled for the first time is compared with nothing.
func merge(ctx context.Context, tx pgx.Tx, t Target) (Filled, error) {
	if t.Fresh {
		return swap(ctx, tx, t)
	}
	got, err := t.stage(ctx, tx, "")
	if err != nil {
		return Filled{}, err
	}
	if err := t.Guard(got.Rows); err != nil { // before all is compared in vain
		return Filled{}, err
	}
	if err := plan.Run(ctx, tx, []plan.Step{{Title: "analyze staging table", SQL: "ANALYZE " + staging}}); err != nil {
		return Filled{}, err
	}
	f := Filled{Outcome: catalog.Outcome{AsOf: t.AsOf, Whole: true, RowsRead: got.Rows, BytesRead: got.Bytes}}
	err = t.Difference(ctx, tx, staging, &f.Outcome)
	return f, err
}
