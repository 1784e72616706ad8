-- Nothing is left of a set that has not taken effect: neither what it was to make of views, nor views that it was to add. What
-- is in force, and is only said to be the set's, stays.
WITH gone AS (
    DELETE FROM redcache.generation g
    USING redcache.set s, redcache.view v
    WHERE s.id = $1 AND s.published_at IS NULL AND g.set_id = s.id AND v.id = g.view_id AND (/* built g v */)
    RETURNING g.view_id, g.number
), kept AS (
    UPDATE redcache.generation g
    SET set_id = NULL
    FROM redcache.set s, redcache.view v
    WHERE s.id = $1 AND s.published_at IS NULL AND g.set_id = s.id AND v.id = g.view_id AND NOT (/* built g v */)
), added AS (
    SELECT v.id
    FROM gone g
    JOIN redcache.view v ON v.id = g.view_id AND v.generation = g.number
), ended AS (
    UPDATE redcache.run r
    SET state = 'abandoned', finished_at = clock_timestamp(),
        error = 'its process or connection ended before the run did',
        public_error = 'its process or connection ended before the run did'
    FROM gone g
    WHERE r.view_id = g.view_id AND r.generation = g.number AND r.state = 'running' AND g.view_id NOT IN (SELECT a.id FROM added a)
), run AS (
    DELETE FROM redcache.run r USING added a WHERE r.view_id = a.id
), state AS (
    DELETE FROM redcache.state s USING added a WHERE s.view_id = a.id
), view AS (
    DELETE FROM redcache.view v USING added a WHERE v.id = a.id
)
DELETE FROM redcache.set s
WHERE s.id = $1 AND s.published_at IS NULL
