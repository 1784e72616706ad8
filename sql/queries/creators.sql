-- Who beside their owners may create in the schemas of the cache. Role 0 is PUBLIC.
SELECT n.nspname::text AS schema, coalesce(pg_catalog.quote_ident(r.rolname), 'PUBLIC') AS role
FROM pg_catalog.pg_namespace n
CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) a
LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE n.nspname IN ('redcache', 'redcache_data') AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
ORDER BY 1, 2
LIMIT 1
