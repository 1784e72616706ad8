SELECT r.id, r.view_id, v.schema_name, v.view_name, r.strategy, r.state, r.whole, r.generation, r.origin,
       r.application, r.pid, r.attempts, r.started_at, r.finished_at, r.as_of, r.rows_read, r.rows_inserted,
       r.rows_updated, r.rows_deleted, r.watermark, r.holder, r.error, r.public_error, r.hint, r.waited, r.bytes_read,
       r.transport, r.reason
FROM redcache.state s
JOIN redcache.run r ON r.id = s.last_run_id
    -- and the newest that says it is running; an older one was left behind
    OR r.id = (SELECT max(o.id) FROM redcache.run o WHERE o.view_id = s.view_id AND o.state = 'running')
JOIN redcache.view v ON v.id = r.view_id
