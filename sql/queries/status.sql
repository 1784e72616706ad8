-- An as-of that is no time is none.
SELECT v.id AS view_id, s.generation, s.row_count, CASE WHEN c.relkind <> 'v' THEN pg_catalog.pg_total_relation_size(c.oid) END AS bytes, f.as_of,
       statement_timestamp() - f.as_of AS age, f.stale, s.next_due, coalesce(s.failures, 0) AS failures,
       s.watermark, s.last_run_id, n.unready_since, a.awaited
FROM redcache.view v
LEFT JOIN redcache.defined d ON d.id = v.id
LEFT JOIN redcache.copy s ON s.view_id = v.id
LEFT JOIN redcache.state n ON n.view_id = v.id
CROSS JOIN LATERAL (
    SELECT coalesce(d.max_age > '0', false) AND coalesce(s.as_of NOT BETWEEN statement_timestamp() - least(d.max_age, '1000 years') AND statement_timestamp(), true) AS stale,
           CASE WHEN pg_catalog.isfinite(s.as_of) THEN s.as_of END AS as_of
) f
LEFT JOIN (
    SELECT w.view_id, pg_catalog.array_agg(DISTINCT pg_catalog.format('%I.%I', coalesce(w.schema_name, ''), coalesce(w.view_name, ''))) AS awaited
    FROM redcache.awaited w
    GROUP BY w.view_id
) a ON a.view_id = v.id AND s.next_due <= statement_timestamp()
LEFT JOIN pg_catalog.pg_class c
    ON c.relname = pg_catalog.format('v%s_g%s', v.id, s.generation)
   AND c.relnamespace = 'redcache_data'::regnamespace
