-- The advisory locks of Redcache in this database, held and waited for, with the sessions behind them.
-- A session's user and application are known to everybody; address, state and start of transaction only to members
-- of pg_read_all_stats and of the session's own role. A prepared transaction has no session, so its pid is NULL.
SELECT
  CASE WHEN l.classid = 'redcache.view'::pg_catalog.regclass THEN 'view' ELSE 'link' END AS kind,
  CASE WHEN l.classid = 'redcache.view'::pg_catalog.regclass THEN l.objid::bigint ELSE l.objid::bigint / 64 END AS id,
  CASE WHEN l.classid = 'redcache.view'::pg_catalog.regclass THEN 0 ELSE l.objid::bigint % 64 END AS slot,
  NOT l.granted AS waiting,
  coalesce(l.pid, 0) AS pid,
  coalesce(a.application_name, '') AS application,
  coalesce(a.usename, '') AS username,
  coalesce(pg_catalog.host(a.client_addr), '') AS client_addr,
  a.xact_start,
  coalesce(a.state, '') AS state
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory'
  AND l.objsubid = 2 -- the form with two keys
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
  AND l.classid IN ('redcache.view'::pg_catalog.regclass, 'redcache.link'::pg_catalog.regclass)
ORDER BY kind DESC, id, slot, waiting, a.xact_start, pid
