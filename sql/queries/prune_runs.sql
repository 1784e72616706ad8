DELETE FROM redcache.run
WHERE view_id = $1
  AND state <> 'running'
  AND id <= (SELECT r.id FROM redcache.run r WHERE r.view_id = $1 ORDER BY r.id DESC OFFSET $2 LIMIT 1)
  AND id IS DISTINCT FROM (SELECT s.last_run_id FROM redcache.state s WHERE s.view_id = $1)
