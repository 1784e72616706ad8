-- The relations that are named like generations of a view: what they are, and what others have put on them.
SELECT c.oid, pg_catalog.substring(c.relname::text, '_g([0-9]+)$')::integer AS number, coalesce(g.state, '') AS state, coalesce(g.rowless, c.relkind = 'v') AS rowless, c.relkind::text AS kind,
       pg_catalog.pg_get_userbyid(c.relowner)::text AS owner, pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owned,
       c.relispopulated AS filled, c.relrowsecurity AS guarded, c.relforcerowsecurity AS forced,
       ARRAY(SELECT t.attname::text FROM pg_catalog.pg_attribute t
             WHERE t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped ORDER BY t.attnum) AS columns,
       ARRAY(SELECT pg_catalog.format_type(t.atttypid, t.atttypmod) FROM pg_catalog.pg_attribute t
             WHERE t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped ORDER BY t.attnum) AS types,
       CASE WHEN c.relpersistence <> 'p' THEN 'is UNLOGGED by now'
            WHEN EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid)
            THEN 'has children by now, whose rows count as its own' ELSE '' END AS odd,
       EXISTS (
           SELECT FROM pg_catalog.unnest(ARRAY['SELECT'::text, 'INSERT'::text, 'UPDATE'::text, 'DELETE'::text]) WITH ORDINALITY r(name, n)
           WHERE (c.relkind = 'r' OR r.n = 1) AND NOT pg_catalog.has_table_privilege(c.relowner, c.oid, r.name)
       ) AS stripped,
       c.relkind = 'r' AND c.relreplident IN ('d', 'n', 'i') AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_index i
           WHERE i.indrelid = c.oid AND (c.relreplident = 'd' AND i.indisprimary OR c.relreplident = 'i' AND i.indisreplident)
       ) AS faceless,
       -- One whose columns and indexes are all of what PostgreSQL brings has nothing of a stranger: strangers.sql need not be asked.
       EXISTS (
           SELECT FROM pg_catalog.pg_depend d
           WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
             AND d.objid = ANY (ARRAY(SELECT x.indexrelid FROM pg_catalog.pg_index x WHERE x.indrelid = c.oid) || c.oid)
             AND d.refclassid IN ('pg_catalog.pg_type'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass,
                                  'pg_catalog.pg_operator'::pg_catalog.regclass, 'pg_catalog.pg_opclass'::pg_catalog.regclass,
                                  'pg_catalog.pg_constraint'::pg_catalog.regclass)
             AND d.refobjid >= 16384 -- the first that is not made by initdb: FirstNormalObjectId in access/transam.h
       ) AS extended,
       (SELECT i.relname::text FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
        WHERE x.indrelid = c.oid AND i.relname = c.relname::text || '_key' AND x.indisunique AND x.indisvalid
          AND x.indimmediate AND x.indpred IS NULL AND x.indexprs IS NULL) AS key_index,
       (SELECT pg_catalog.format('trigger %I, whose function belongs to %I', t.tgname, r.rolname)
        FROM pg_catalog.pg_trigger t
        JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
        JOIN pg_catalog.pg_roles r ON r.oid = p.proowner
        WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND NOT r.rolsuper AND NOT pg_catalog.pg_has_role(r.oid, 'USAGE')
        ORDER BY t.tgname LIMIT 1) AS trap,
       (SELECT 'trigger ' || pg_catalog.quote_ident(t.tgname::text)
        FROM pg_catalog.pg_trigger t
        WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgtype & 3 = 3 -- BEFORE, FOR EACH ROW
        ORDER BY t.tgname LIMIT 1) AS filter,
       ARRAY(
           SELECT 'trigger ' || pg_catalog.quote_ident(t.tgname::text)
           FROM pg_catalog.pg_trigger t
           WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
           UNION ALL
           SELECT 'rule ' || pg_catalog.quote_ident(r.rulename::text)
           FROM pg_catalog.pg_rewrite r
           WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN'
           UNION ALL
           SELECT 'foreign key ' || pg_catalog.quote_ident(k.conname::text) || ' of ' || k.conrelid::pg_catalog.regclass::text
           FROM pg_catalog.pg_constraint k
           WHERE k.contype = 'f' AND c.oid IN (k.conrelid, k.confrelid)
           UNION ALL
           SELECT CASE k.contype WHEN 'c' THEN 'check ' WHEN 'x' THEN 'exclusion ' WHEN 'p' THEN 'primary key ' ELSE 'unique ' END
                  || pg_catalog.quote_ident(k.conname::text)
           FROM pg_catalog.pg_constraint k
           WHERE k.conrelid = c.oid AND k.contype IN ('c', 'x', 'p', 'u')
           UNION ALL
           SELECT 'inheritance from ' || h.inhparent::pg_catalog.regclass::text
           FROM pg_catalog.pg_inherits h
           WHERE h.inhrelid = c.oid
           UNION ALL
           SELECT 'publication ' || pg_catalog.quote_ident(p.pubname::text)
           FROM pg_catalog.pg_publication_rel m
           JOIN pg_catalog.pg_publication p ON p.oid = m.prpubid
           WHERE m.prrelid = c.oid
           UNION ALL
           SELECT 'security label of ' || l.provider
           FROM pg_catalog.pg_seclabel l
           WHERE l.objoid = c.oid AND l.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
           ORDER BY 1
       ) AS fixed
FROM pg_catalog.pg_class c
LEFT JOIN redcache.generation g ON g.view_id = $1 AND c.relname = pg_catalog.format('v%s_g%s', g.view_id, g.number)
WHERE c.relnamespace = 'redcache_data'::pg_catalog.regnamespace AND c.relname ~ ('^v' || $1::integer || '_g[0-9]{1,9}$')
ORDER BY 2
