-- The advisory locks of Redcache in this database, held and waited for, with the sessions behind them.
-- A session's user and application are known to everybody; address, state and start of transaction only to members
-- of pg_read_all_stats and of the session's own role. A prepared transaction has no session, so its pid is NULL.
SELECT
  c.kind,
  l.objid::bigint / c.slots AS id,
  l.objid::bigint % c.slots AS slot,
  NOT l.granted AS waiting,
  coalesce(l.pid, 0) AS pid,
  coalesce(a.application_name, '') AS application,
  coalesce(a.usename, '') AS username,
  coalesce(pg_catalog.host(a.client_addr), '') AS client_addr,
  a.xact_start,
  coalesce(a.state, '') AS state,
  a.usesysid IS NOT NULL AND NOT pg_catalog.pg_has_role(a.usesysid, c.owner, 'USAGE') AS strange
FROM pg_catalog.pg_locks AS l
JOIN (
    SELECT k.oid AS class, k.relowner AS owner, s.kind, s.slots
    FROM pg_catalog.pg_class AS k
    JOIN (VALUES ('redcache.view'::pg_catalog.regclass, 'view', 1), ('redcache.link'::pg_catalog.regclass, 'link', 64),
                 ('redcache.link_state'::pg_catalog.regclass, 'login', 1), ('redcache.set'::pg_catalog.regclass, 'set', 1)) AS s (class, kind, slots) ON s.class = k.oid
) AS c ON c.class = l.classid
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory'
  AND l.objsubid = 2 -- the form with two keys
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
ORDER BY pg_catalog.array_position(ARRAY['view', 'link', 'login', 'set'], c.kind), id, slot, waiting, a.xact_start, pid
