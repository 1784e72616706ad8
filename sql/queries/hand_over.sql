-- The definitions of a set are in force, and readers do not see what it has built yet: the next run of each view closes the
-- gap.
WITH taken AS (
    UPDATE redcache.set SET published_at = clock_timestamp() WHERE id = $1 AND published_at IS NULL RETURNING id
), built AS (
    SELECT g.view_id, g.number FROM taken t JOIN redcache.generation g ON g.set_id = t.id AND g.state IN ('building', 'filled')
), retired AS (
    UPDATE redcache.generation g
    SET state = 'retired'
    FROM built b
    WHERE g.view_id = b.view_id AND g.number <> b.number AND g.state IN ('building', 'filled') AND (/* in force g */)
), pointed AS (
    UPDATE redcache.view v
    SET generation = b.number, changed_at = clock_timestamp()
    FROM built b
    WHERE v.id = b.view_id
)
UPDATE redcache.state s
SET next_due = CASE WHEN g.refresh_every > '0' THEN clock_timestamp() END
FROM built b
JOIN redcache.generation g ON g.view_id = b.view_id AND g.number = b.number
WHERE s.view_id = b.view_id
