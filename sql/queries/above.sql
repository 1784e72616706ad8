-- What reads the relations $1, whatever stands in between, as far as it is one of them or among the generations $2: in the
-- order in which all can be dropped, each after what reads it.
WITH RECURSIVE above AS (
    SELECT u.oid, 0 AS height
    FROM pg_catalog.unnest($1::oid[]) u (oid)
    UNION
    SELECT r.ev_class, a.height + 1
    FROM above a
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = a.oid
        AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
    JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND r.ev_class <> a.oid
    WHERE a.height < 1000 -- views that read each other can be made
)
SELECT c.oid, c.relkind::text AS kind, n.nspname::text AS schema_name, c.relname::text AS view_name
FROM above a
JOIN pg_catalog.pg_class c ON c.oid = a.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY ($1) OR n.nspname = 'redcache_data' AND c.relname::text = ANY ($2::text[])
GROUP BY c.oid, c.relkind, n.nspname, c.relname
ORDER BY max(a.height) DESC, c.oid
