SELECT v.id, v.link_id, v.schema_name, v.view_name, v.query, v.columns, v.strategy, v.key, v.watermark, v.lookback,
       v.safety_lag, v.reconcile_every, v.refresh_every, v.max_age, v.timeout, v.indexes, v.grantees, v.nul_bytes,
       v.transport, v.group_name, v.allow_shrink, v.skip_unchanged, v.split, v.sessions, v.generation,
       v.first_generation, v.query_generation, v.created_at, v.changed_at,
       l.name AS link_name, l.host, l.hostaddr, l.port, l.database, l.username, l.sslmode, l.sslrootcert,
       l.max_concurrency, l.created_at AS link_created_at,
       l.credentials, l.cluster, l.workgroup, l.secret, l.region, l.address, l.zone,
       s.generation AS seen, s.loaded, s.as_of, s.reconciled_at, s.next_due, coalesce(s.failures, 0) AS failures, s.row_count, s.modified, s.content,
       s.view_id IS NULL AS unstated,
       w.value AS mark, pg_catalog.clock_timestamp() AS now, pg_catalog.pg_backend_pid() AS backend
FROM redcache.view v
JOIN redcache.link l ON l.id = v.link_id
LEFT JOIN redcache.state s ON s.view_id = v.id
LEFT JOIN redcache.watermark w ON w.view_id = v.id
WHERE ($1::text IS NULL OR (v.schema_name = $1 AND v.view_name = $2))
  AND ($3::text IS NULL OR v.group_name = $3)
ORDER BY v.schema_name, v.view_name
