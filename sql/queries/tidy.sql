WITH pruned AS (
    DELETE FROM redcache.run
    WHERE view_id = $1
      AND state <> 'running'
      AND id <= (SELECT r.id FROM redcache.run r WHERE r.view_id = $1 ORDER BY r.id DESC OFFSET $2 LIMIT 1)
      AND id IS DISTINCT FROM (SELECT s.last_run_id FROM redcache.state s WHERE s.view_id = $1)
)
SELECT EXISTS (
    SELECT FROM redcache.generation g WHERE g.view_id = $1 AND g.state = 'retired'
) OR EXISTS (
    SELECT
    FROM pg_catalog.pg_class c
    WHERE c.relnamespace = 'redcache_data'::regnamespace AND c.relkind IN ('m', 'r', 'v')
      AND c.relname ~ ('^v' || $1::integer || '_g[0-9]+$')
      AND c.relname NOT IN (
          SELECT pg_catalog.format('v%s_g%s', g.view_id, g.number)
          FROM redcache.generation g
          WHERE g.view_id = $1 AND g.state <> 'retired')
)
