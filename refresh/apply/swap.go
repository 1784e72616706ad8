package apply

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
)

// swap reads everything into a table that has just been made. Its indexes come afterwards: to build them is much cheaper
// than to keep them while the rows arrive.
func swap(ctx context.Context, tx pgx.Tx, t Target) (Filled, error) {
	got, err := t.load(ctx, tx, "", t.Relation)
	return Filled{Frozen: got.Frozen, Outcome: catalog.Outcome{
		AsOf: t.AsOf, Whole: true, RowsRead: got.Rows, BytesRead: got.Bytes,
		RowsInserted: got.Rows, RowsDeleted: t.Before, RowCount: got.Rows,
	}}, err
}
