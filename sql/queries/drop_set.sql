-- Nothing is left of a set that has not taken effect: neither what it was to make of views, nor views that it was to add.
WITH gone AS (
    DELETE FROM redcache.generation g
    USING redcache.set s
    WHERE s.id = $1 AND s.published_at IS NULL AND g.set_id = s.id
    RETURNING g.view_id, g.number
), added AS (
    SELECT v.id
    FROM gone g
    JOIN redcache.view v ON v.id = g.view_id AND v.generation = g.number
), run AS (
    DELETE FROM redcache.run r USING added a WHERE r.view_id = a.id
), state AS (
    DELETE FROM redcache.state s USING added a WHERE s.view_id = a.id
), view AS (
    DELETE FROM redcache.view v USING added a WHERE v.id = a.id
)
DELETE FROM redcache.set s
WHERE s.id = $1 AND s.published_at IS NULL
