-- What depends on views, each of a schema in $1 and a name in $2, or on what depends on them, but for what is their own, and for
-- generations, which are made anew with what they read: and which of the view's columns it names itself. At most $3.
WITH RECURSIVE asked AS (
    SELECT c.oid, n.nspname, c.relname
    FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS a (schema_name, view_name)
    JOIN pg_catalog.pg_namespace n ON n.nspname = a.schema_name
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = a.view_name
), above AS (
    SELECT a.oid AS asked, a.oid
    FROM asked a
    UNION
    SELECT b.asked, r.ev_class
    FROM above b
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = b.oid
        AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
    JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN'
    JOIN pg_catalog.pg_class g ON g.oid = r.ev_class
    JOIN pg_catalog.pg_namespace s ON s.oid = g.relnamespace AND s.nspname <> 'redcache_data'
), used AS ( -- a view by itself, and by the types of its rows
    SELECT b.asked, b.oid, 'pg_catalog.pg_class'::pg_catalog.regclass AS refclass, b.oid AS ref
    FROM above b
    UNION ALL
    SELECT b.asked, b.oid, 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid
    FROM above b
    JOIN pg_catalog.pg_class c ON c.oid = b.oid
    JOIN pg_catalog.pg_type t ON t.oid = c.reltype OR t.typelem = c.reltype AND t.typcategory = 'A'
)
SELECT a.nspname::text AS schema_name, a.relname::text AS view_name, o.type AS kind, o.identity AS object,
       coalesce(pg_catalog.array_agg(DISTINCT t.attname::text) FILTER (WHERE t.attname IS NOT NULL), '{}') AS columns,
       CASE WHEN u.oid <> u.asked THEN pg_catalog.format('%I.%I', n.nspname, c.relname) END AS through
FROM used u
JOIN asked a ON a.oid = u.asked
JOIN pg_catalog.pg_class c ON c.oid = u.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_depend d ON d.refclassid = u.refclass AND d.refobjid = u.ref AND d.deptype = 'n'
LEFT JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid
LEFT JOIN pg_catalog.pg_attribute t ON u.oid = u.asked AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND t.attrelid = u.oid AND t.attnum = d.refobjsubid AND d.refobjsubid > 0
CROSS JOIN LATERAL pg_catalog.pg_identify_object(
    CASE WHEN r.rulename = '_RETURN' THEN 'pg_catalog.pg_class'::pg_catalog.regclass::oid ELSE d.classid END,
    CASE WHEN r.rulename = '_RETURN' THEN r.ev_class ELSE d.objid END, d.objsubid) o
WHERE r.ev_class IS DISTINCT FROM u.oid
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_class g JOIN pg_catalog.pg_namespace s ON s.oid = g.relnamespace AND s.nspname = 'redcache_data'
                  WHERE g.oid = r.ev_class)
  -- A column of a view that is found as such, whose type is that of the rows.
  AND NOT EXISTS (SELECT FROM above b WHERE b.asked = u.asked AND b.oid = d.objid AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
GROUP BY a.nspname, a.relname, o.type, o.identity, u.oid, u.asked, n.nspname, c.relname
ORDER BY a.nspname, a.relname, u.oid <> u.asked, o.type, o.identity
LIMIT $3
