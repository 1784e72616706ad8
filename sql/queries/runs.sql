SELECT RUN_COLUMNS(r)
FROM redcache.run r
JOIN redcache.view v ON v.id = r.view_id
WHERE ($1::integer IS NULL OR r.view_id = $1)
  AND ($2::bigint IS NULL OR r.id = $2 AND r.started_at = $4)
ORDER BY r.id DESC
LIMIT $3
