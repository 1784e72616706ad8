-- The functions of people in whose text one of the names $1 stands, somewhere and in whatever letters. At most $2, and of
-- each what fits.
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END AS kind,
       pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)) AS object,
       pg_catalog.left(p.prosrc, 100000) AS body
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE l.lanname NOT IN ('internal', 'c') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND EXISTS (
      SELECT
      FROM pg_catalog.unnest($1::text[]) w
      WHERE pg_catalog.strpos(pg_catalog.lower(p.prosrc), pg_catalog.lower(w)) > 0)
ORDER BY 2
LIMIT $2
