-- The relations from which the rows of cached views can be read: the published view, its generations, and whatever view
-- somebody made over one of these. Parameter: the ids of the views.
WITH RECURSIVE root AS (
    SELECT v.id, c.oid
    FROM redcache.view v
    JOIN redcache.generation g ON g.view_id = v.id AND g.state = 'published' -- otherwise the name may be somebody else's
    JOIN pg_catalog.pg_namespace n ON n.nspname = v.schema_name
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = v.view_name AND c.relkind = 'v'
    WHERE v.id = ANY ($1)
    UNION ALL
    SELECT v.id, c.oid
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'redcache_data'
    JOIN redcache.view v ON v.id::text = pg_catalog.substring(c.relname::text, '^v([0-9]+)_g[0-9]+$')
    WHERE c.relkind IN ('r', 'm', 'v') AND v.id = ANY ($1)
),
reads AS MATERIALIZED (
    SELECT DISTINCT r.ev_class AS above, d.refobjid AS below
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND r.ev_class <> d.refobjid
),
exposed AS (
    SELECT id, oid FROM root
    UNION
    SELECT e.id, r.above FROM exposed e JOIN reads r ON r.below = e.oid
)
SELECT e.id AS view_id, c.oid, n.oid AS schema_oid, n.nspname AS schema_name, c.relname AS name, c.relkind::text AS kind,
       c.relowner AS owner,
       EXISTS (SELECT FROM root t WHERE t.id = e.id AND t.oid = e.oid) AS ours,
       coalesce((SELECT option_value::boolean FROM pg_catalog.pg_options_to_table(c.reloptions)
                 WHERE option_name = 'security_invoker'), false) AS invoker,
       ARRAY(SELECT r.below FROM reads r JOIN exposed x ON x.oid = r.below AND x.id = e.id WHERE r.above = e.oid) AS below
FROM exposed e
JOIN pg_catalog.pg_class c ON c.oid = e.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
ORDER BY e.id, ours DESC, n.nspname <> 'redcache_data' DESC, n.nspname, c.relname
