-- How far behind those are that replay this server's log. Roles without pg_read_all_stats see that they exist.
SELECT coalesce(nullif(r.application_name, ''), 'pid ' || r.pid) AS name, r.state IS NULL AS hidden,
       coalesce(pg_catalog.pg_wal_lsn_diff(w.written, r.replay_lsn), 0)::bigint AS behind,
       coalesce(r.replay_lag, '0') AS lag,
       pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_wal_size')) AS allowed
FROM pg_catalog.pg_stat_replication r
CROSS JOIN (
    SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_current_wal_lsn() END AS written
) w
ORDER BY 1
