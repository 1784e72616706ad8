SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'role', CASE WHEN x.grantee <> 0 THEN pg_catalog.pg_get_userbyid(x.grantee)::text ELSE '' END,
    'oid', x.grantee::bigint, 'right', x.privilege_type, 'passing', x.is_grantable,
    'by', CASE WHEN x.grantor <> /* owner */ THEN pg_catalog.pg_get_userbyid(x.grantor)::text ELSE '' END
) ORDER BY x.place)
FROM pg_catalog.aclexplode(/* acl */) WITH ORDINALITY x (grantor, grantee, privilege_type, is_grantable, place)
