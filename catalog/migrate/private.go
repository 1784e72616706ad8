package migrate

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/plan"
)

// objects are the schemas of the catalog that exist, and what is in them.
func objects(ctx context.Context, tx pgx.Tx) (oids []uint32, err error) {
	err = tx.QueryRow(ctx, `
		SELECT coalesce(pg_catalog.array_agg(o.oid), '{}')
		FROM (
		    SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname IN ('redcache', 'redcache_data')
		    UNION ALL
		    SELECT c.oid
		    FROM pg_catalog.pg_class c
		    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		    WHERE n.nspname IN ('redcache', 'redcache_data')
		) o`).Scan(&oids)
	if err != nil {
		return nil, fmt.Errorf("look for objects of the catalog: %w", err)
	}
	return oids, nil
}

// keepPrivate takes from everybody but the owner what ALTER DEFAULT PRIVILEGES has given them on what was just made.
// What was there before keeps its grants.
func keepPrivate(ctx context.Context, tx pgx.Tx, known []uint32) error {
	rows, err := tx.Query(ctx, `
		SELECT DISTINCT 'REVOKE ALL ON ' || o.object || ' FROM '
		       || coalesce(pg_catalog.quote_ident(r.rolname::text), 'PUBLIC') || ' CASCADE'
		FROM (
		    SELECT n.oid, pg_catalog.format('SCHEMA %I', n.nspname) AS object, n.nspacl AS acl, n.nspowner AS owner
		    FROM pg_catalog.pg_namespace n
		    WHERE n.nspname IN ('redcache', 'redcache_data')
		    UNION ALL
		    SELECT c.oid, pg_catalog.format(CASE c.relkind WHEN 'S' THEN 'SEQUENCE %I.%I' ELSE 'TABLE %I.%I' END, n.nspname, c.relname),
		           c.relacl, c.relowner
		    FROM pg_catalog.pg_class c
		    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		    WHERE n.nspname = 'redcache' AND c.relkind IN ('r', 'v', 'S')
		) o
		CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) a
		LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
		WHERE a.grantee <> o.owner AND o.oid <> ALL ($1::oid[])`, known)
	if err != nil {
		return fmt.Errorf("read grants on the catalog: %w", err)
	}
	steps, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (plan.Step, error) {
		step := plan.Step{Title: "keep the catalog private"}
		err := row.Scan(&step.SQL)
		return step, err
	})
	if err != nil {
		return fmt.Errorf("read grants on the catalog: %w", err)
	}
	return plan.Run(ctx, tx, steps)
}
