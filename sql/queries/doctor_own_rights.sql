-- What the current role may do here, and whom the catalog belongs to if not to it.
SELECT current_user, pg_catalog.current_database(), r.rolsuper,
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY'),
       coalesce(s.found, false), coalesce(s.owners, '')
FROM pg_catalog.pg_roles r
CROSS JOIN (
    SELECT count(*) > 0 AS found,
           string_agg(DISTINCT pg_catalog.pg_get_userbyid(n.nspowner)::text, ', ')
               FILTER (WHERE NOT pg_catalog.pg_has_role(n.nspowner, 'USAGE')) AS owners
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname IN ('redcache', 'redcache_data')
) s
WHERE r.rolname = current_user
