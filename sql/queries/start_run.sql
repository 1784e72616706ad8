-- Whoever holds the view's lock knows that nobody else runs: an older running row belongs to a process that died.
WITH abandoned AS (
    UPDATE redcache.run
    SET state = 'abandoned', finished_at = clock_timestamp(),
        error = 'its process or connection ended before the run did',
        public_error = 'its process or connection ended before the run did'
    WHERE view_id = $1 AND state = 'running'
)
INSERT INTO redcache.run (view_id, generation, strategy, whole, origin, pid, state)
VALUES ($1, $2, $3, $4, $5, $6, 'running')
RETURNING id, started_at
