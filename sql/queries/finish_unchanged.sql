-- What readers see is as fresh as it was proven to be; a proof can be about a moment before the last one.
WITH finished AS (
    UPDATE redcache.run
    SET state = 'unchanged', finished_at = clock_timestamp(), as_of = @as_of, attempts = @attempts, reason = @reason,
        -- a swap that was not needed has not made the generation that it was to make
        generation = (SELECT g.number FROM redcache.generation g WHERE g.view_id = run.view_id AND g.state = 'published')
    WHERE id = @run AND started_at = @started_at AND state = 'running'
    RETURNING *
), proven AS (
    UPDATE redcache.generation g
    SET as_of = greatest(CASE WHEN g.as_of <= clock_timestamp() THEN g.as_of END, f.as_of)
    FROM finished f
    WHERE g.view_id = f.view_id AND g.state = 'published'
)
UPDATE redcache.state s
SET failures = 0, unready_since = NULL, last_run_id = f.id, next_due = f.started_at + nullif(v.refresh_every, '0')
FROM finished f
JOIN redcache.defined v ON v.id = f.view_id
WHERE s.view_id = f.view_id
RETURNING RUN_COLUMNS(f)
