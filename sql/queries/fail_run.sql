-- The run knows better what happened than whoever found it abandoned meanwhile. After a failure the view is due again
-- after 15 s, doubled for each further failure, but never later than its schedule would have it.
WITH failed AS (
    UPDATE redcache.run
    SET state = @state, finished_at = clock_timestamp(), error = @error, hint = nullif(@hint, ''), attempts = @attempts,
        public_error = @public_error
    WHERE id = @run AND started_at = @started_at AND state IN ('running', 'abandoned')
    RETURNING id, view_id, state
)
UPDATE redcache.state s
SET failures = s.failures + (f.state = 'failed')::integer,
    unready_since = CASE WHEN f.state = 'canceled' THEN s.unready_since END,
    last_run_id = greatest(s.last_run_id, f.id),
    next_due = CASE
        WHEN v.refresh_every = '0' THEN NULL
        WHEN f.state = 'canceled' THEN s.next_due
        ELSE clock_timestamp() + least(v.refresh_every, interval '15 seconds' * 2 ^ least(s.failures, 12))
    END
FROM failed f
JOIN redcache.defined v ON v.id = f.view_id
WHERE s.view_id = f.view_id AND NOT @building -- a set, which leaves what is there as it is
