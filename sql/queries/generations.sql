-- The relations of a view that neither readers see nor runs write to, and that nobody fills.
SELECT c.relname, c.relkind::text AS kind
FROM pg_catalog.pg_class c
WHERE c.relnamespace = 'redcache_data'::regnamespace AND c.relkind IN ('m', 'r', 'v')
  AND c.relname ~ ('^v' || $1::integer || '_g[0-9]+$')
  AND c.relname NOT IN (
      SELECT pg_catalog.format('v%s_g%s', g.view_id, g.number)
      FROM redcache.generation g
      WHERE g.view_id = $1 AND g.state <> 'retired')
