-- What takes effect at once is a change of the generation that the view points at; another generation gets a row, which is
-- what the view points at from now on. One that nobody has filled yet is given up for it.
WITH altered AS (
    UPDATE redcache.view
    SET generation = @generation, changed_at = clock_timestamp()
    WHERE id = @id
    RETURNING id, changed_at
), given_up AS (
    DELETE FROM redcache.generation g
    USING altered a
    WHERE g.view_id = a.id AND g.number <> @generation AND g.state = 'building' AND (/* in force g */)
), defined AS (
    INSERT INTO redcache.generation AS g (view_id, number, link_id, state, rowless, definition, columns, lineage)
    SELECT id, @generation, @link_id, 'building', @rowless, @definition, @columns, (/* kept lineage */)
    FROM altered
    ON CONFLICT (view_id, number) DO UPDATE
        SET definition = excluded.definition, lineage = excluded.lineage, modified = CASE WHEN g.state <> 'building' THEN @modified END,
            content = CASE WHEN g.state <> 'building' THEN @content END
), proven AS (
    UPDATE redcache.generation g
    SET modified = @modified, content = @content
    FROM altered a
    JOIN redcache.copy c ON c.view_id = a.id
    WHERE g.view_id = a.id AND g.number = c.loaded AND g.number <> @generation
)
UPDATE redcache.state s
SET next_due = @next_due, failures = @failures, unready_since = @unready_since
FROM altered a
WHERE s.view_id = a.id
RETURNING a.changed_at
