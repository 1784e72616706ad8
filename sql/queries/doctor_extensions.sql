-- Who may create in the schemas of dblink and postgres_fdw beside their owners and those of the database, and what
-- stands there under the name of one of their functions without belonging to them. Role 0 is PUBLIC.
WITH extension AS (
    SELECT e.oid, n.oid AS namespace, n.nspname, n.nspowner, coalesce(n.nspacl, '{}') AS acl
    FROM pg_catalog.pg_extension e
    JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname IN ('dblink', 'postgres_fdw')
), member AS (
    SELECT d.objid, x.namespace
    FROM extension x
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = x.oid
        AND d.classid = 'pg_catalog.pg_proc'::regclass AND d.deptype = 'e'
)
SELECT DISTINCT pg_catalog.quote_ident(x.nspname) AS schema, coalesce(pg_catalog.quote_ident(r.rolname), 'PUBLIC') AS role,
       '' AS function
FROM extension x
CROSS JOIN LATERAL pg_catalog.aclexplode(x.acl) a
LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE a.privilege_type = 'CREATE' AND a.grantee <> x.nspowner
  AND r.rolname IS DISTINCT FROM current_user AND NOT coalesce(r.rolsuper, false)
UNION ALL
SELECT DISTINCT pg_catalog.quote_ident(x.nspname), pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.proowner)),
       p.oid::regprocedure::text
FROM extension x
JOIN pg_catalog.pg_proc p ON p.pronamespace = x.namespace
WHERE p.proname IN (
          SELECT q.proname FROM pg_catalog.pg_proc q JOIN member m ON m.objid = q.oid WHERE m.namespace = x.namespace)
  AND p.oid NOT IN (SELECT m.objid FROM member m)
ORDER BY 1, 3, 2
