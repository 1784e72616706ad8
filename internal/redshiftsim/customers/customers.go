// Package customers is the raw data of examples/customer-health: what four sources have delivered into Redshift.
package customers

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Tables make 50 customers, of whom 40 have paid anything, as a superuser of the database behind the stand-in. Everybody may read
// them.
var Tables = []string{
	`CREATE SCHEMA billingdb`, `CREATE SCHEMA zendesk`, `CREATE SCHEMA webevents`, `CREATE SCHEMA deviceevents`,
	`CREATE TABLE billingdb.orders AS SELECT i AS user_id FROM generate_series(1, 50) i`,
	`CREATE TABLE billingdb.invoices AS SELECT i AS user_id, '$' || i || '.50' AS amount,
		CASE WHEN i % 5 = 0 THEN 'Pending' ELSE 'Paid' END AS status FROM generate_series(1, 50) i`,
	`CREATE TABLE zendesk.tickets AS SELECT i AS id, 1 + i % 50 AS user_id FROM generate_series(1, 200) i`,
	`CREATE TABLE zendesk.ticket_metrics AS SELECT i AS ticket_id, i % 5 AS satisfaction_rating_score FROM generate_series(1, 200) i`,
	`CREATE TABLE webevents.mv_siteactivity AS
		SELECT 1 + i % 50 AS user_id, '2026-01-01'::timestamp + i * interval '1 minute' AS eventtime FROM generate_series(1, 300) i`,
	`CREATE TABLE deviceevents.mv_heartbeat AS
		SELECT 1 + i % 50 AS user_id, '2026-01-01'::timestamp + i * interval '1 hour' AS eventtime FROM generate_series(1, 100) i`,
	`GRANT USAGE ON SCHEMA billingdb, zendesk, webevents, deviceevents TO PUBLIC`,
	`GRANT SELECT ON ALL TABLES IN SCHEMA billingdb, zendesk, webevents, deviceevents TO PUBLIC`,
}

// Load makes the tables.
func Load(ctx context.Context, engine *pgxpool.Pool) error {
	for _, statement := range Tables {
		if _, err := engine.Exec(ctx, statement); err != nil {
			return fmt.Errorf("load customers: %w", err)
		}
	}
	return nil
}
