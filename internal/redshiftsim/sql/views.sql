-- Views of the system, in pg_catalog as on a cluster; the engine lets nobody make relations there without being told to.

SET LOCAL allow_system_table_mods = on;

CREATE OR REPLACE FUNCTION redshift.rows(relation oid) RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE pg_catalog.format('SELECT count(*) FROM ONLY %s', relation::regclass) INTO n;
	RETURN n;
END
$$;

-- Empty tables have no row.
CREATE OR REPLACE VIEW pg_catalog.svv_table_info AS
SELECT
	pg_catalog.current_database()::text AS database,
	n.nspname::text AS schema,
	c.oid AS table_id,
	c.relname::text AS "table",
	'N'::text AS encoded,
	'AUTO(EVEN)'::text AS diststyle,
	'AUTO(SORTKEY)'::text AS sortkey1,
	greatest(1, pg_catalog.pg_table_size(c.oid) / 1048576) AS size,
	0::numeric(10, 4) AS pct_used,
	0::numeric(5, 2) AS unsorted,
	0::numeric(5, 2) AS stats_off,
	counted.n::numeric(38, 0) AS tbl_rows,
	counted.n::numeric(38, 0) AS estimated_visible_rows
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT redshift.rows(c.oid) AS n) counted
WHERE c.relkind = 'r'
	AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'redshift')
	AND n.nspname !~ '^pg_t'
	AND counted.n > 0;

REVOKE ALL ON pg_catalog.svv_table_info FROM public;
GRANT SELECT ON pg_catalog.svv_table_info TO pg_read_all_data;
