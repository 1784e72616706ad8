-- How often each generation that readers see was scanned since its counters began, and how many runs wrote to it.
-- Counters begin with the generation, or when they were last reset.
SELECT v.id AS view_id,
       coalesce(u.seq_scan, 0) + coalesce(u.idx_scan, 0) AS scans,
       coalesce(r.runs, 0)::integer AS runs,
       (SELECT count(*)::integer FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid) AS indexes,
       statement_timestamp() - greatest(v.created_at, d.stats_reset, r.since) AS watched
FROM redcache.defined v
JOIN redcache.copy s ON s.view_id = v.id
JOIN pg_catalog.pg_class c
    ON c.relname = pg_catalog.format('v%s_g%s', v.id, s.generation)
   AND c.relnamespace = 'redcache_data'::regnamespace
JOIN pg_catalog.pg_stat_database d ON d.datname = pg_catalog.current_database()
LEFT JOIN pg_catalog.pg_stat_all_tables u ON u.relid = c.oid
LEFT JOIN (
    SELECT h.view_id, h.generation, min(h.started_at) AS since, count(*) AS runs
    FROM redcache.run h
    WHERE h.state = 'succeeded'
    GROUP BY h.view_id, h.generation
) r ON r.view_id = v.id AND r.generation = s.generation
ORDER BY v.id
