-- The relations, in any schema, that a temporary view reads and that do not stand for its inputs.
SELECT coalesce(pg_catalog.array_agg(DISTINCT pg_catalog.format('%I.%I', n.nspname, c.relname)), '{}')
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
JOIN pg_catalog.pg_class c ON c.oid = d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE r.ev_class = 'pg_temp.redcache_output'::pg_catalog.regclass
  AND NOT (c.relnamespace = pg_catalog.pg_my_temp_schema() AND (c.oid = r.ev_class OR c.relname LIKE 'redcache\_input\_%'))
