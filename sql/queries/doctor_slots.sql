-- How much log each replication slot keeps.
SELECT s.slot_name::text AS name, s.active, coalesce(s.wal_status, '') AS status,
       coalesce(pg_catalog.pg_wal_lsn_diff(w.written, s.restart_lsn), 0)::bigint AS held,
       pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_wal_size')) AS allowed
FROM pg_catalog.pg_replication_slots s
CROSS JOIN (
    SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_current_wal_lsn() END AS written
) w
ORDER BY 1
