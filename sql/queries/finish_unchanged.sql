-- What readers see is as fresh as it was proven to be; a proof can be about a moment before the last one.
WITH finished AS (
    UPDATE redcache.run
    SET state = 'unchanged', finished_at = clock_timestamp(), as_of = @as_of, attempts = @attempts, reason = @reason,
        -- a swap that was not needed has not made the generation that it was to make
        generation = (SELECT s.generation FROM redcache.state s WHERE s.view_id = run.view_id)
    WHERE id = @run AND started_at = @started_at AND state = 'running'
    RETURNING *
)
UPDATE redcache.state s
SET as_of = greatest(CASE WHEN s.as_of <= clock_timestamp() THEN s.as_of END, f.as_of), failures = 0, last_run_id = f.id,
    next_due = f.started_at + nullif(v.refresh_every, '0')
FROM finished f
JOIN redcache.view v ON v.id = f.view_id
WHERE s.view_id = f.view_id
RETURNING RUN_COLUMNS(f)
