-- Readers see the generation that runs write to, and none of the one before.
WITH loaded AS (
    SELECT c.view_id, c.loaded FROM redcache.copy c WHERE c.view_id = $1
), retired AS (
    UPDATE redcache.generation g
    SET state = 'retired'
    FROM loaded l
    WHERE g.view_id = l.view_id AND g.number <> l.loaded AND g.state = 'published'
    RETURNING g.as_of
)
UPDATE redcache.generation g
SET state = 'published',
    as_of = greatest((SELECT max(r.as_of) FROM retired r WHERE r.as_of <= clock_timestamp()), g.as_of)
FROM loaded l
WHERE g.view_id = l.view_id AND g.number = l.loaded
