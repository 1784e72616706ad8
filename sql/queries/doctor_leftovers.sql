-- Relations among the generations that neither readers see nor runs write to.
SELECT c.relname::text AS name, pg_catalog.pg_total_relation_size(c.oid) AS bytes,
       ARRAY(
           SELECT DISTINCT 'view ' || r.ev_class::pg_catalog.regclass::text
           FROM pg_catalog.pg_depend d
           JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND r.ev_class <> c.oid
           WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
             AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = c.oid
           UNION ALL
           SELECT 'its owner, ' || pg_catalog.pg_get_userbyid(c.relowner)::text
           WHERE NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')
           ORDER BY 1
       ) AS held
FROM pg_catalog.pg_class c
WHERE c.relnamespace = 'redcache_data'::regnamespace AND c.relkind IN ('m', 'r', 'v')
  AND c.relname NOT IN (
      SELECT pg_catalog.format('v%s_g%s', g.view_id, g.number)
      FROM redcache.generation g
      WHERE g.state <> 'retired')
ORDER BY 2 DESC, 1
