-- The views with the definitions in force, and what is true of their copies. Where readers see a generation of another
-- definition, or runs have written to one, that is told as well.
SELECT v.id, v.schema_name, v.view_name, v.definition, v.columns, v.generation, v.created_at, v.changed_at,
       pg_catalog.to_jsonb(l) AS link,
       c.generation AS seen, c.loaded, c.as_of, c.reconciled_at, c.next_due, coalesce(c.failures, 0) AS failures,
       c.row_count, c.modified, c.content, c.watermark, c.view_id IS NULL AS unstated,
       sg.definition AS seen_definition, sg.columns AS seen_columns,
       lg.definition AS loaded_definition, lg.columns AS loaded_columns,
       pg_catalog.clock_timestamp() AS now, pg_catalog.pg_backend_pid() AS backend
FROM redcache.defined v
LEFT JOIN redcache.link l ON l.id = v.link_id
LEFT JOIN redcache.copy c ON c.view_id = v.id
LEFT JOIN redcache.generation sg ON sg.view_id = v.id AND sg.number = c.generation AND sg.number <> v.generation
LEFT JOIN redcache.generation lg ON lg.view_id = v.id AND lg.number = c.loaded AND lg.number <> v.generation
WHERE ($1::text IS NULL OR (v.schema_name = $1 AND v.view_name = $2))
  AND ($3::text IS NULL OR v.group_name = $3)
ORDER BY v.schema_name, v.view_name
