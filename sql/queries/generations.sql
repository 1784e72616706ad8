-- The generations of a view, with or without those that readers see or runs write to.
SELECT c.relname, c.relkind = 'm' AS materialized
FROM pg_catalog.pg_class c
LEFT JOIN redcache.state s ON s.view_id = $1
WHERE c.relnamespace = 'redcache_data'::regnamespace AND c.relkind IN ('m', 'r')
  AND c.relname ~ ('^v' || $1::integer || '_g[0-9]+$')
  AND ($2 OR c.relname IS DISTINCT FROM 'v' || $1::integer || '_g' || s.generation
             AND c.relname IS DISTINCT FROM 'v' || $1::integer || '_g' || s.loaded)
