-- Views by name, each with the relation that a local query reads of it: what a set ($3) has built, or else what readers see.
SELECT n.schema_name, n.view_name, pg_catalog.format('v%s_g%s', g.view_id, g.number) AS relation, g.as_of,
       v.id IS NOT NULL AS known, coalesce(g.rowless, false) AS rowless, coalesce(g.definition, '{}') -> 'source' AS source
FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS n(schema_name, view_name)
LEFT JOIN redcache.view v ON v.schema_name = n.schema_name AND v.view_name = n.view_name
LEFT JOIN LATERAL (
    SELECT g.view_id, g.number, g.as_of, g.rowless, g.definition
    FROM redcache.generation g
    WHERE g.view_id = v.id AND (g.state = 'published' OR g.state = 'filled' AND g.set_id = $3)
    ORDER BY g.state = 'published'
    LIMIT 1
) g ON true
