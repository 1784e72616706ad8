-- What readers see is as fresh as it was proven to be; a proof can be about a moment before the last one.
WITH finished AS (
    UPDATE redcache.run
    SET state = 'unchanged', finished_at = clock_timestamp(), as_of = $2, attempts = $3, reason = $4,
        -- a swap that was not needed has not made the generation that it was to make
        generation = (SELECT s.generation FROM redcache.state s WHERE s.view_id = run.view_id)
    WHERE id = $1 AND started_at = $5 AND state = 'running'
    RETURNING *
)
UPDATE redcache.state s
SET as_of = greatest(CASE WHEN s.as_of <= clock_timestamp() THEN s.as_of END, f.as_of), failures = 0, last_run_id = f.id,
    next_due = f.started_at + nullif(v.refresh_every, '0')
FROM finished f
JOIN redcache.view v ON v.id = f.view_id
WHERE s.view_id = f.view_id
RETURNING f.id, f.view_id, v.schema_name, v.view_name, f.strategy, f.state, f.whole, f.generation, f.origin,
          f.application, f.pid, f.attempts, f.started_at, f.finished_at, f.as_of, f.rows_read, f.rows_inserted,
          f.rows_updated, f.rows_deleted, f.watermark, f.holder, f.error, f.public_error, f.hint,
          f.waited, f.bytes_read, f.transport, f.reason
