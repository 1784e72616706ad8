-- The statements of this database in whose text one of the names $1 stands, somewhere and in whatever letters: those that
-- were asked most often, at most $2, and of each what fits. What the owner of the cache asks of the catalog is ours.
SELECT coalesce(r.rolname::text, '') AS role, pg_catalog.sum(s.calls)::bigint AS calls, pg_catalog.left(s.query, 100000) AS query
FROM (/* statements */) s
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.userid
WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
  AND NOT (r.rolname = current_user AND pg_catalog.strpos(s.query, 'redcache.') > 0)
  AND EXISTS (
      SELECT
      FROM pg_catalog.unnest($1::text[]) w
      WHERE pg_catalog.strpos(pg_catalog.lower(s.query), pg_catalog.lower(w)) > 0)
GROUP BY 1, 3
ORDER BY 2 DESC, 1, 3
LIMIT $2
