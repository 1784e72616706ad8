-- Whoever holds the view's lock knows that nobody else refreshes it: an older running row belongs to a process that died.
-- Whoever builds another generation for a set (@building) holds the set's lock, and knows the same of that generation.
WITH abandoned AS (
    UPDATE redcache.run r
    SET state = 'abandoned', finished_at = clock_timestamp(),
        error = 'its process or connection ended before the run did',
        public_error = 'its process or connection ended before the run did'
    WHERE r.view_id = @view AND r.state = 'running'
      AND CASE WHEN @building THEN r.generation = @generation ELSE NOT (/* building r */) END
)
INSERT INTO redcache.run (view_id, generation, strategy, whole, origin, pid, state)
VALUES (@view, @generation, @strategy, @whole, @origin, @pid, 'running')
RETURNING id, started_at
