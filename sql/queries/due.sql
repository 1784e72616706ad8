-- What is due and not being refreshed by anybody right now, the longest overdue first.
SELECT v.id, v.schema_name, v.view_name, v.link_id, s.next_due
FROM redcache.state s
JOIN redcache.view v ON v.id = s.view_id
WHERE s.next_due <= clock_timestamp()
  AND v.id <> ALL ($1::integer[])
  AND NOT EXISTS (
      SELECT
      FROM pg_catalog.pg_locks l
      WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted
        AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
        AND l.classid = 'redcache.view'::regclass
        AND l.objid = v.id::oid
  )
ORDER BY s.next_due
LIMIT $2
