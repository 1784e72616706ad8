-- The source was not ready: nothing was read, and nothing is true of the copy that was not before. The view is due again in a
-- minute, or earlier where its schedule says so.
WITH finished AS (
    UPDATE redcache.run
    SET state = 'skipped', finished_at = clock_timestamp(), attempts = @attempts, reason = @reason,
        -- a swap that was not begun has not made the generation that it was to make
        generation = coalesce((SELECT g.number FROM redcache.generation g WHERE g.view_id = run.view_id AND g.state = 'published'), generation)
    WHERE id = @run AND started_at = @started_at AND state = 'running'
    RETURNING *
)
UPDATE redcache.state s
SET last_run_id = f.id, unready_since = coalesce(s.unready_since, f.started_at),
    next_due = CASE WHEN v.refresh_every > '0' THEN least(
        CASE WHEN s.next_due > clock_timestamp() THEN s.next_due END,
        clock_timestamp() + least(v.refresh_every, interval '1 minute')) END
FROM finished f
JOIN redcache.defined v ON v.id = f.view_id
WHERE s.view_id = f.view_id
RETURNING RUN_COLUMNS(f)
