SELECT v.id AS view_id, s.generation, s.row_count, pg_catalog.pg_total_relation_size(c.oid) AS bytes, s.as_of,
       statement_timestamp() - s.as_of AS age, f.stale, s.next_due, coalesce(s.failures, 0) AS failures,
       s.watermark, s.last_run_id
FROM redcache.defined v
LEFT JOIN redcache.copy s ON s.view_id = v.id
CROSS JOIN LATERAL (
    SELECT coalesce(v.max_age > '0', false) AND coalesce(s.as_of NOT BETWEEN statement_timestamp() - v.max_age AND statement_timestamp(), true) AS stale
) f
LEFT JOIN pg_catalog.pg_class c
    ON c.relname = pg_catalog.format('v%s_g%s', v.id, s.generation)
   AND c.relnamespace = 'redcache_data'::regnamespace
