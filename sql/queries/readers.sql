-- The backends that use views ($1: schemas, $2: names) or generations of them, but for refreshes and changes.
SELECT coalesce(pg_catalog.array_agg(DISTINCT l.pid ORDER BY l.pid), '{}')
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_class c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS asked (schema_name, view_name) ON true
LEFT JOIN redcache.view v ON v.schema_name = asked.schema_name AND v.view_name = asked.view_name
WHERE l.locktype = 'relation' AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
  AND (n.nspname = asked.schema_name AND c.relname = asked.view_name
       OR n.nspname = 'redcache_data' AND c.relname ~ ('^v' || v.id || '_g[0-9]+$'))
  AND NOT EXISTS (
      SELECT
      FROM pg_catalog.pg_locks a
      WHERE a.pid = l.pid AND a.locktype = 'advisory' AND a.objsubid = 2 AND a.granted
        AND a.classid IN ('redcache.view'::pg_catalog.regclass, 'redcache.set'::pg_catalog.regclass))
