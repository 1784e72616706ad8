SELECT r.id, r.view_id, v.schema_name, v.view_name, r.strategy, r.state, r.whole, r.generation, r.origin,
       r.application, r.pid, r.attempts, r.started_at, r.finished_at, r.as_of, r.rows_read, r.rows_inserted,
       r.rows_updated, r.rows_deleted, r.watermark, r.holder, r.error, r.public_error, r.hint, r.waited, r.bytes_read,
       r.transport, r.reason
FROM redcache.run r
JOIN redcache.view v ON v.id = r.view_id
WHERE ($1::integer IS NULL OR r.view_id = $1)
  AND ($2::bigint IS NULL OR r.id = $2 AND r.started_at = $4)
ORDER BY r.id DESC
LIMIT $3
