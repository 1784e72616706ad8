SELECT pg_catalog.jsonb_build_object(
    'owner', c.relowner::bigint,
    'grants', CASE WHEN c.relacl IS NOT NULL THEN coalesce((/* grants of c.relacl c.relowner */), '[]') END,
    'options', coalesce(pg_catalog.to_jsonb(c.reloptions), '[]'),
    'columns', (
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', t.attname, 'statistics', nullif(t.attstattarget, -1),
            'grants', coalesce((/* grants of t.attacl c.relowner */), '[]')) ORDER BY t.attnum)
        FROM pg_catalog.pg_attribute t
        WHERE t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped),
    'materialized', c.relkind = 'm', 'rowless', c.relkind = 'v', 'guarded', c.relrowsecurity, 'forced', c.relforcerowsecurity,
    'policies', coalesce((
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', p.polname, 'permissive', p.polpermissive, 'command', p.polcmd,
            'roles', ARRAY(SELECT CASE WHEN o.oid <> 0 THEN pg_catalog.pg_get_userbyid(o.oid)::text ELSE '' END
                           FROM pg_catalog.unnest(p.polroles) WITH ORDINALITY o (oid, place) ORDER BY o.place),
            'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid),
            'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)) ORDER BY p.polname)
        FROM pg_catalog.pg_policy p
        WHERE p.polrelid = c.oid), '[]')
)
FROM pg_catalog.pg_class c
WHERE c.relkind IN ('r', 'm', 'v') AND c.relnamespace = 'redcache_data'::pg_catalog.regnamespace
  AND c.relname = 'v' || a.id || '_g' || a.generation
