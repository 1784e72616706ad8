package tickit

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Changed counts what [Change] did to sales.
type Changed struct {
	Inserted, Updated, Deleted int64
}

// Change behaves like the applications behind a warehouse: in one transaction on the engine it makes about n changes
// to sales. Of twenty, at least one is a delete, five are updates, and the rest new sales. Everything written gets the
// present as updated_at. Several may run at once.
func Change(ctx context.Context, engine *pgxpool.Pool, n int) (Changed, error) {
	var changed Changed
	deletes, updates := (n+19)/20, n/4
	steps := []struct {
		name, sql string
		n         int
		count     *int64
	}{
		{"insert", insertSales, max(n-deletes-updates, 1), &changed.Inserted},
		{"update", updateSales, updates, &changed.Updated},
		{"delete", deleteSales, deletes, &changed.Deleted},
	}
	err := pgx.BeginFunc(ctx, engine, func(tx pgx.Tx) error {
		for _, step := range steps {
			tag, err := tx.Exec(ctx, step.sql, step.n)
			if err != nil {
				return fmt.Errorf("%s sales: %w", step.name, err)
			}
			*step.count = tag.RowsAffected()
		}
		return nil
	})
	return changed, err
}

const insertSales = `
	INSERT INTO tickit.sales
	SELECT nextval('tickit.sales_serial'), 1 + floor(random() * 1000), 1 + floor(random() * 50),
	       1 + floor(random() * 50), 1 + floor(random() * 20), 1 + floor(random() * 365), quantity,
	       price * quantity, round((price * quantity * 0.15)::numeric, 2),
	       now() AT TIME ZONE 'UTC' - random() * interval '1 day',
	       clock_timestamp() AT TIME ZONE 'UTC'
	FROM (
		SELECT 1 + floor(random() * 8) AS quantity, round((20 + random() * 280)::numeric, 2) AS price
		FROM generate_series(1, $1)
		OFFSET 0
	) AS sold`

// Rows that a concurrent change holds are skipped: nobody waits, and nobody deadlocks.
const updateSales = `
	WITH chosen AS (
		SELECT salesid
		FROM tickit.sales
		WHERE salesid IN (
			SELECT (1 + floor(random() * (SELECT max(salesid) FROM tickit.sales)))::int FROM generate_series(1, $1))
		FOR UPDATE SKIP LOCKED
	)
	UPDATE tickit.sales
	SET pricepaid = round((20 + random() * 2000)::numeric, 2), commission = NULL,
	    updated_at = clock_timestamp() AT TIME ZONE 'UTC'
	FROM chosen
	WHERE sales.salesid = chosen.salesid`

const deleteSales = `
	DELETE FROM tickit.sales
	WHERE ctid IN (
		SELECT ctid
		FROM tickit.sales
		WHERE salesid IN (
			SELECT (1 + floor(random() * (SELECT max(salesid) FROM tickit.sales)))::int FROM generate_series(1, $1))
		FOR UPDATE SKIP LOCKED)`
