-- Where the published view of a cached view ($1) is, and what stands under its name. It is known by the OID
-- that was remembered, or by its name as long as it reads a generation: others may stand there by now. And what people
-- have put on it, and on the generation below it.
WITH asked AS (
    SELECT v.id, v.schema_name, v.view_name, g.number AS generation, g.rowless,
           CASE WHEN g.rowless THEN g.definition -> 'source' END AS source, s.published AS remembered, n.oid AS schema_oid, n.nspacl,
           n.nspowner
    FROM redcache.view v
    JOIN redcache.state s ON s.view_id = v.id
    LEFT JOIN redcache.generation g ON g.view_id = v.id AND g.state = 'published'
    LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = v.schema_name
    WHERE v.id = $1::integer
), seen AS (
    SELECT a.id, c.oid, c.relnamespace, c.relname, c.relowner, c.relacl, c.reloptions, r.oid AS rule, t.reads, k.fingerprint,
           c.oid = (a.remembered ->> 'oid')::pg_catalog.oid AS known,
           c.relnamespace = a.schema_oid AND c.relname = a.view_name AS at_home
    FROM asked a
    JOIN pg_catalog.pg_class c
        ON c.relnamespace = a.schema_oid AND c.relname = a.view_name OR c.oid = (a.remembered ->> 'oid')::pg_catalog.oid
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
    CROSS JOIN LATERAL (
        SELECT coalesce(pg_catalog.array_agg(DISTINCT pg_catalog.substring(g.relname::text, '_g([0-9]{1,9})$')::integer), '{}') AS reads
        FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_class g ON g.oid = d.refobjid
        WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
          AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
          AND g.relnamespace = 'redcache_data'::pg_catalog.regnamespace AND g.relname ~ ('^v' || a.id || '_g[0-9]{1,9}$')
    ) t
    CROSS JOIN LATERAL (
        -- What stands there whoever made the view, and in whatever database: without numbers of relations and roles, and places in its text.
        SELECT pg_catalog.md5(pg_catalog.regexp_replace(r.ev_action::text, ' :(relid|resorigtbl|checkAsUser|location|stmt_location|stmt_len) -?[0-9]+', '', 'g')
                              || pg_catalog.string_agg(n.attname::text, ',' ORDER BY n.attnum)) AS fingerprint
        FROM pg_catalog.pg_attribute n
        WHERE n.attrelid = c.oid AND n.attnum > 0 AND NOT n.attisdropped
    ) k
    WHERE c.relkind = 'v' AND a.generation IS NOT NULL -- before that, the name may be somebody else's
      AND t.reads <> '{}' OR c.relkind = 'v' AND c.relnamespace = a.schema_oid AND c.relname = a.view_name
                             AND c.oid = (a.remembered ->> 'oid')::pg_catalog.oid
), found AS (
    SELECT DISTINCT ON (s.id) s.*
    FROM seen s
    ORDER BY s.id, s.at_home DESC
)
SELECT a.id, a.generation, a.source, a.schema_oid IS NOT NULL AS schema_exists, coalesce(o.relkind::text, '') AS taken_kind,
       coalesce(pg_catalog.pg_get_userbyid(o.relowner)::text, '') AS taken_by,
       coalesce(f.oid, 0) AS oid, coalesce(f.at_home, false) AS at_home, coalesce(n.nspname::text, '') AS schema_name,
       coalesce(f.relname::text, '') AS view_name, coalesce(pg_catalog.pg_get_userbyid(f.relowner)::text, '') AS owner,
       coalesce(pg_catalog.pg_has_role(f.relowner, 'USAGE'), false) AS owned, coalesce(f.reads, '{}') AS reads,
       EXISTS (SELECT FROM pg_catalog.pg_class g
               WHERE g.relnamespace = 'redcache_data'::pg_catalog.regnamespace AND NOT g.relispopulated
                 AND g.relname = pg_catalog.format('v%s_g%s', a.id, a.generation)) AS emptied,
       -- What reads just the generation that is published, and was remembered with another one, is ours: what a refresh
       -- has published is remembered after its commit.
       coalesce(f.fingerprint <> a.remembered ->> 'query'
                AND NOT (f.reads = ARRAY[a.generation] AND a.remembered -> 'reads' IS DISTINCT FROM pg_catalog.to_jsonb(f.reads))
                AND a.remembered ->> 'major' = (pg_catalog.current_setting('server_version_num')::integer / 10000)::text, false) AS altered,
       -- What a generation without rows reads, by what stands there and not by name, and is no published view of ours of one of
       -- the views that its query names.
       CASE WHEN a.rowless THEN coalesce((
           SELECT min(pg_catalog.format('%I.%I, which belongs to %I', s.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner)))
           FROM pg_catalog.pg_class g
           JOIN pg_catalog.pg_rewrite r ON r.ev_class = g.oid
           JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
               AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> g.oid
           JOIN pg_catalog.pg_class c ON c.oid = d.refobjid
           JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
           WHERE g.relnamespace = 'redcache_data'::pg_catalog.regnamespace AND g.relname = pg_catalog.format('v%s_g%s', a.id, a.generation)
             AND NOT (pg_catalog.pg_has_role(c.relowner, 'USAGE') AND EXISTS (
                 SELECT
                 FROM pg_catalog.jsonb_array_elements(a.source -> 'references') i (item)
                 JOIN redcache.view w ON w.schema_name = i.item #>> '{name,schema}' AND w.view_name = i.item #>> '{name,view}'
                 JOIN pg_catalog.pg_rewrite wr ON wr.ev_class = c.oid
                 JOIN pg_catalog.pg_depend wd ON wd.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND wd.objid = wr.oid
                     AND wd.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                 JOIN pg_catalog.pg_class wg ON wg.oid = wd.refobjid
                     AND wg.relnamespace = 'redcache_data'::pg_catalog.regnamespace AND wg.relname ~ ('^v' || w.id || '_g[0-9]{1,9}$')))
       ), '') ELSE '' END AS astray,
       coalesce(d.decorations || pg_catalog.jsonb_build_object('below', b.below) <> a.remembered, true) AS changed,
       a.remembered, d.decorations || pg_catalog.jsonb_build_object('below', b.below) AS decorations, b.below
FROM asked a
LEFT JOIN pg_catalog.pg_class o ON o.relnamespace = a.schema_oid AND o.relname = a.view_name
LEFT JOIN found f ON f.id = a.id
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = f.relnamespace
CROSS JOIN LATERAL (SELECT (/* carried */) AS below OFFSET 0) b -- once, not in each place that it is used in
LEFT JOIN LATERAL (
    SELECT pg_catalog.jsonb_build_object(
        'oid', f.oid::bigint, 'query', f.fingerprint, 'reads', f.reads,
        'major', pg_catalog.current_setting('server_version_num')::integer / 10000,
        'owner', CASE WHEN pg_catalog.pg_get_userbyid(f.relowner) <> current_user THEN pg_catalog.pg_get_userbyid(f.relowner) ELSE '' END,
        'options', coalesce(pg_catalog.to_jsonb(f.reloptions), '[]'),
        'comment', pg_catalog.obj_description(f.oid, 'pg_class'),
        'grants', CASE WHEN f.relacl IS NOT NULL THEN coalesce((/* grants of f.relacl f.relowner */), '[]') END,
        'schema_grants', CASE WHEN a.nspacl IS NOT NULL THEN coalesce((/* grants of a.nspacl a.nspowner */), '[]') END,
        'columns', (
            SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                'name', t.attname, 'type', pg_catalog.format_type(t.atttypid, t.atttypmod), 'comment', pg_catalog.col_description(f.oid, t.attnum),
                'default', pg_catalog.pg_get_expr(e.adbin, e.adrelid),
                'grants', coalesce((/* grants of t.attacl f.relowner */), '[]')) ORDER BY t.attnum)
            FROM pg_catalog.pg_attribute t
            LEFT JOIN pg_catalog.pg_attrdef e ON e.adrelid = t.attrelid AND e.adnum = t.attnum
            WHERE t.attrelid = f.oid AND t.attnum > 0 AND NOT t.attisdropped),
        'fixed', ARRAY(
            SELECT 'trigger ' || pg_catalog.quote_ident(t.tgname::text)
            FROM pg_catalog.pg_trigger t
            WHERE t.tgrelid = f.oid AND NOT t.tgisinternal
            UNION ALL
            SELECT 'rule ' || pg_catalog.quote_ident(r.rulename::text)
            FROM pg_catalog.pg_rewrite r
            WHERE r.ev_class = f.oid AND r.oid <> f.rule
            UNION ALL
            SELECT 'security label of ' || l.provider
            FROM pg_catalog.pg_seclabel l
            WHERE l.objoid = f.oid AND l.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
            ORDER BY 1)
    ) AS decorations
    WHERE f.oid IS NOT NULL
    OFFSET 0 -- as b, also for the planner
) d ON true
ORDER BY a.id
