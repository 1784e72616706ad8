-- Relations among the generations that neither readers see nor runs write to.
SELECT c.relname::text AS name, pg_catalog.pg_total_relation_size(c.oid) AS bytes
FROM pg_catalog.pg_class c
WHERE c.relnamespace = 'redcache_data'::regnamespace AND c.relkind IN ('m', 'r')
  AND c.relname NOT IN (
      SELECT pg_catalog.format('v%s_g%s', s.view_id, g.number)
      FROM redcache.state s
      CROSS JOIN LATERAL (VALUES (s.generation), (s.loaded)) AS g (number)
      WHERE g.number IS NOT NULL)
ORDER BY 2 DESC, 1
