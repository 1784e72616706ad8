-- Who was granted SELECT on relations, on all or on one of their columns, and USAGE on schemas. Parameters: their OIDs.
SELECT false AS of_schema, c.oid, a.grantee, a.grantor, '' AS column_name, a.is_grantable
FROM pg_catalog.pg_class c
CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) a
WHERE c.oid = ANY ($1) AND a.privilege_type = 'SELECT'
UNION ALL
SELECT false, t.attrelid, a.grantee, a.grantor, t.attname::text, a.is_grantable
FROM pg_catalog.pg_attribute t
CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) a
WHERE t.attrelid = ANY ($1) AND a.privilege_type = 'SELECT'
UNION ALL
SELECT true, n.oid, a.grantee, a.grantor, '', a.is_grantable
FROM pg_catalog.pg_namespace n
CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
WHERE n.oid = ANY ($2) AND a.privilege_type = 'USAGE'
ORDER BY 1, 2, 3, 4, 5
