-- Open transactions of this database, by their virtual ids, of all or of those in $1, and the processes that have them.
-- Each holds the lock on its own id. These locks everybody may look at, and of a process to which database and role it
-- belongs; what kind of process it is, and how old its snapshot, is hidden from other roles. The server's own processes,
-- such as autovacuum, have no role, and read no views; a prepared transaction has no process, and reads nothing any more.
SELECT coalesce(array_agg(l.virtualxid ORDER BY l.pid), '{}'), coalesce(array_agg(l.pid ORDER BY l.pid), '{}')
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'virtualxid' AND l.granted AND l.virtualxid = l.virtualtransaction
  AND l.pid <> pg_catalog.pg_backend_pid()
  AND a.datname = pg_catalog.current_database() AND a.usesysid IS NOT NULL
  AND ($1::text[] IS NULL OR l.virtualxid = ANY ($1))
  AND NOT EXISTS ( -- other refreshes of ours read no views
      SELECT
      FROM pg_catalog.pg_locks h
      WHERE h.pid = l.pid AND h.locktype = 'advisory' AND h.granted AND h.objsubid = 2
        AND h.classid IN ('redcache.view'::regclass, 'redcache.set'::regclass)
        AND a.usesysid = (SELECT c.relowner FROM pg_catalog.pg_class c WHERE c.oid = 'redcache.view'::regclass))
