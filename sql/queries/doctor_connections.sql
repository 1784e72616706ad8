-- Every limit of connections that applies to this role here, and how many count against it. The statistics of databases
-- are open to everybody, unlike those of sessions.
SELECT 'max_connections, less the reserved ones' AS name,
       pg_catalog.current_setting('max_connections')::integer
       - pg_catalog.current_setting('superuser_reserved_connections')::integer
       - coalesce(pg_catalog.current_setting('reserved_connections', true), '0')::integer AS "limit",
       (SELECT sum(d.numbackends)::integer FROM pg_catalog.pg_stat_database d WHERE d.datid > 0) AS used
UNION ALL
SELECT 'the database''s limit', d.datconnlimit,
       (SELECT s.numbackends FROM pg_catalog.pg_stat_database s WHERE s.datid = d.oid)
FROM pg_catalog.pg_database d
WHERE d.datname = pg_catalog.current_database() AND d.datconnlimit >= 0
UNION ALL
SELECT 'the role''s limit', r.rolconnlimit,
       (SELECT count(*)::integer FROM pg_catalog.pg_stat_activity a WHERE a.usesysid = r.oid)
FROM pg_catalog.pg_roles r
WHERE r.rolname = session_user AND r.rolconnlimit >= 0
