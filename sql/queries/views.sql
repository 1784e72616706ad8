-- The views with the definitions in force, or with those of a set ($4), and what is true of their copies. Where readers see a generation of another
-- definition, or runs have written to one, that is told as well. A view whose generation somebody has deleted is lost;
-- one whose generation is said to be of a set that has not taken effect, though it is in force, is misplaced.
SELECT v.id, v.schema_name, v.view_name, coalesce(d.definition, '{}') AS definition, coalesce(d.columns, '[]') AS columns,
       d.view_id IS NULL AS lost, CASE WHEN $4::integer IS NULL AND NOT (/* in force d */) THEN d.set_id END AS misplaced,
       coalesce(d.number, v.generation) AS generation, v.created_at, v.changed_at,
       pg_catalog.to_jsonb(l) AS link,
       c.generation AS seen, c.loaded, CASE WHEN pg_catalog.isfinite(c.as_of) THEN c.as_of END AS as_of,
       CASE WHEN pg_catalog.isfinite(c.reconciled_at) THEN c.reconciled_at END AS reconciled_at, c.next_due, coalesce(c.failures, 0) AS failures, s.unready_since,
       c.row_count, c.modified, c.content, c.watermark, c.view_id IS NULL AS unstated,
       sg.definition AS seen_definition, sg.columns AS seen_columns,
       lg.definition AS loaded_definition, lg.columns AS loaded_columns,
       coalesce((SELECT max(h.number) FROM redcache.generation h WHERE h.view_id = v.id AND h.number BETWEEN 1 AND 999999999), 0) AS highest,
       pg_catalog.clock_timestamp() AS now, pg_catalog.pg_backend_pid() AS backend,
       (SELECT max(n.version_id)::integer FROM redcache.schema_version n) AS version
FROM redcache.view v
LEFT JOIN redcache.generation d ON d.view_id = v.id
    AND CASE WHEN $4::integer IS NULL THEN d.number = v.generation ELSE d.set_id = $4 AND (/* built d v */) END
LEFT JOIN redcache.link l ON l.id = d.link_id
LEFT JOIN redcache.copy c ON c.view_id = v.id
LEFT JOIN redcache.state s ON s.view_id = v.id
LEFT JOIN redcache.generation sg ON sg.view_id = v.id AND sg.number = c.generation AND sg.number <> d.number
LEFT JOIN redcache.generation lg ON lg.view_id = v.id AND lg.number = c.loaded AND lg.number <> d.number
WHERE CASE WHEN $4::integer IS NULL THEN (/* in force d */) OR NOT (/* built d v */) ELSE d.view_id IS NOT NULL END
  AND ($1::text IS NULL OR (v.schema_name = $1 AND v.view_name = $2))
  AND ($3::text IS NULL OR d.group_name = $3)
ORDER BY v.schema_name, v.view_name
