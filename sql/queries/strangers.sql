-- What a relation has the owner of the cache run that belongs to a stranger: what its query, where it is a view, its columns and
-- its indexes depend on, down through operators and types (of domains and their checks, arrays, ranges, composites). Functions of
-- ours, or of a superuser, whose are the system's and extensions', may call what they like; what they take and return is looked at. A type is refused for its owner alone:
-- whoever owns it can give it checks and casts later. One who has made us a member of himself is a stranger still.
WITH RECURSIVE used (whose, class, oid) AS (
    SELECT o.whose, d.refclassid, d.refobjid
    FROM (
        SELECT 'its query', 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid, r.oid
        FROM pg_catalog.pg_rewrite r
        JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
        WHERE c.oid = $1::text::pg_catalog.regclass AND c.relkind = 'v'
        UNION ALL
        SELECT 'its index ' || pg_catalog.substring(pg_catalog.pg_get_indexdef(x.indexrelid), ' (USING .*)'),
               'pg_catalog.pg_class'::pg_catalog.regclass, x.indexrelid
        FROM pg_catalog.pg_index x
        WHERE x.indrelid = $1::text::pg_catalog.regclass
        UNION ALL
        SELECT 'one of its columns', 'pg_catalog.pg_class'::pg_catalog.regclass, $1::text::pg_catalog.regclass
    ) o (whose, class, oid)
    JOIN pg_catalog.pg_depend d ON d.classid = o.class AND d.objid = o.oid
    UNION
    SELECT u.whose, next.class, next.oid
    FROM used u
    CROSS JOIN LATERAL (
        SELECT d.refclassid, d.refobjid
        FROM pg_catalog.pg_depend d
        WHERE d.classid = u.class AND d.objid = u.oid
          AND (u.class IN ('pg_catalog.pg_type'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass,
                           'pg_catalog.pg_constraint'::pg_catalog.regclass)
               OR u.class = 'pg_catalog.pg_proc'::pg_catalog.regclass -- the constructor of a range is the system's
              AND d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass)
        UNION ALL
        SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid
        FROM pg_catalog.pg_constraint k
        WHERE u.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND k.contypid = u.oid
        UNION ALL
        SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, a.atttypid
        FROM pg_catalog.pg_type t
        JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE u.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = u.oid
    ) next (class, oid)
)
SELECT u.whose, s.what, o.rolname::text AS owner
FROM used u
CROSS JOIN LATERAL (
    SELECT 1, 'function ' || p.oid::pg_catalog.regproc, p.proowner
    FROM pg_catalog.pg_proc p
    WHERE u.class = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = u.oid
    UNION ALL
    SELECT 2, 'operator ' || p.oid::pg_catalog.regoperator, p.oprowner
    FROM pg_catalog.pg_operator p
    WHERE u.class = 'pg_catalog.pg_operator'::pg_catalog.regclass AND p.oid = u.oid
    UNION ALL
    SELECT 3, 'operator class ' || pg_catalog.quote_ident(c.opcname::text), c.opcowner
    FROM pg_catalog.pg_opclass c
    WHERE u.class = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND c.oid = u.oid
    UNION ALL
    SELECT 4, CASE t.typtype WHEN 'd' THEN 'domain ' ELSE 'type ' END || pg_catalog.format_type(t.oid, NULL), t.typowner
    FROM pg_catalog.pg_type t
    WHERE u.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = u.oid
) s (place, what, owner)
JOIN pg_catalog.pg_roles o ON o.oid = s.owner
JOIN pg_catalog.pg_roles me ON me.rolname = current_user
WHERE NOT (
    o.oid = me.oid OR o.rolsuper OR NOT me.rolsuper AND pg_catalog.pg_has_role(o.oid, 'USAGE')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.roleid = o.oid AND m.grantor = o.oid)
)
ORDER BY s.place, u.whose, s.what
LIMIT 1
