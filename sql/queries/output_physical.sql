-- What of its inputs a temporary view must not use, since the tables that its query is run over have others: a system column,
-- or, without a name, a whole row.
SELECT c.relname::text AS input, a.attname::text AS name
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid < 0
JOIN pg_catalog.pg_class c ON c.oid = d.refobjid
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE r.ev_class = 'pg_temp.redcache_output'::pg_catalog.regclass
UNION ALL
SELECT c.relname::text, ''
FROM pg_catalog.pg_rewrite r
CROSS JOIN LATERAL pg_catalog.regexp_matches(r.ev_action::text, ':varattno 0 :vartype ([0-9]+)', 'g') m (found)
JOIN pg_catalog.pg_class c ON c.reltype = (m.found)[1]::pg_catalog.oid
WHERE r.ev_class = 'pg_temp.redcache_output'::pg_catalog.regclass AND c.relnamespace = pg_catalog.pg_my_temp_schema()
ORDER BY 1, 2
LIMIT 1
