-- A trigger on a table of the catalog whose function is a stranger's: whatever writes there would run it as the owner.
SELECT pg_catalog.format('trigger %I on redcache.%I, whose function belongs to %I', t.tgname, c.relname, r.rolname)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
JOIN pg_catalog.pg_roles r ON r.oid = p.proowner
WHERE c.relnamespace = 'redcache'::pg_catalog.regnamespace AND c.relhastriggers AND NOT t.tgisinternal
  AND NOT r.rolsuper AND NOT pg_catalog.pg_has_role(r.oid, 'USAGE')
ORDER BY t.tgname LIMIT 1
