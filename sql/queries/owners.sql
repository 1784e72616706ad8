-- What of the cache belongs to somebody who is neither the current role nor one whose rights it was given by others.
-- Before PostgreSQL 15 a login may make anybody a member of itself; who does that is not believed. A superuser is a
-- member of all roles, which says nothing either. The catalog has to be the current role's own: what a mere member of its
-- owner makes would be the member's. It reads the system's catalogs only: the rest may be a trap.
WITH cache AS (
    SELECT n.oid, n.nspname, n.nspowner FROM pg_catalog.pg_namespace n WHERE n.nspname IN ('redcache', 'redcache_data')
), object AS (
    SELECT 'schema ' || n.nspname AS what, n.nspowner AS owner, 0 AS place, false AS catalog FROM cache n
    UNION ALL
    SELECT 'relation ' || pg_catalog.format('%I.%I', n.nspname, c.relname), c.relowner, 1, n.nspname = 'redcache'
    FROM pg_catalog.pg_class c
    JOIN cache n ON n.oid = c.relnamespace
    WHERE c.relkind NOT IN ('i', 't')
    UNION ALL
    SELECT 'function ' || pg_catalog.format('%I.%I', n.nspname, p.proname), p.proowner, 2, false
    FROM pg_catalog.pg_proc p
    JOIN cache n ON n.oid = p.pronamespace
    UNION ALL -- whoever may put a trigger on a table has its owner run it
    SELECT 'function ' || pg_catalog.format('%I.%I', f.nspname, p.proname) || '() of trigger ' ||
           pg_catalog.format('%I on %I.%I', t.tgname, n.nspname, c.relname), p.proowner, 3, false
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    JOIN cache n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    JOIN pg_catalog.pg_namespace f ON f.oid = p.pronamespace
    JOIN pg_catalog.pg_roles r ON r.oid = p.proowner
    WHERE NOT t.tgisinternal AND NOT r.rolsuper
)
SELECT o.what, pg_catalog.pg_get_userbyid(o.owner)::text AS owner, current_user::text AS role, t.trusted
FROM object o
JOIN pg_catalog.pg_roles me ON me.rolname = current_user
CROSS JOIN LATERAL (
    SELECT pg_catalog.pg_has_role(o.owner, 'USAGE') AND NOT me.rolsuper
           AND NOT EXISTS (
               SELECT FROM pg_catalog.pg_auth_members m WHERE m.roleid = o.owner AND m.grantor = o.owner) AS trusted
) t
WHERE o.owner <> me.oid AND (NOT t.trusted OR o.catalog)
ORDER BY t.trusted, o.place, o.what
LIMIT 1
