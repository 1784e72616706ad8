-- Who beside the owner was granted what on which object of the cache: cached views, what lies below them, the
-- catalog, and the foreign servers of links. Role 0 is PUBLIC.
WITH object AS (
    SELECT 'view' AS kind, pg_catalog.format('%I.%I', v.schema_name, v.view_name) AS name, v.link_id, c.relowner AS owner,
           c.relacl AS acl
    FROM redcache.defined v
    JOIN pg_catalog.pg_namespace n ON n.nspname = v.schema_name
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = v.view_name
    UNION ALL
    SELECT CASE n.nspname WHEN 'redcache' THEN 'catalog' ELSE 'generation' END, pg_catalog.format('%I.%I', n.nspname, c.relname),
           NULL, c.relowner, c.relacl
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('redcache', 'redcache_data')
    UNION ALL
    SELECT 'schema', pg_catalog.format('%I', n.nspname), NULL, n.nspowner, n.nspacl
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname IN ('redcache', 'redcache_data')
    UNION ALL
    SELECT 'server', l.name, l.id, f.srvowner, f.srvacl
    FROM redcache.link l
    JOIN pg_catalog.pg_foreign_server f ON f.srvname = 'redcache_' || l.name
)
SELECT o.kind, o.name, coalesce(o.link_id, 0) AS link_id, coalesce(r.rolname::text, 'PUBLIC') AS grantee, a.grantee = 0 AS public,
       array_agg(DISTINCT a.privilege_type ORDER BY a.privilege_type) AS rights
FROM object o
CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) a
LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE a.grantee <> o.owner
GROUP BY o.kind, o.name, o.link_id, a.grantee, r.rolname
ORDER BY o.kind, o.name, r.rolname NULLS FIRST
