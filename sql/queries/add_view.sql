-- The constraint that the pointer has a generation is checked at the end of the transaction.
WITH added AS (
    INSERT INTO redcache.view (schema_name, view_name)
    VALUES (@schema_name, @view_name)
    RETURNING id, generation, created_at, changed_at
), defined AS (
    INSERT INTO redcache.generation (view_id, number, link_id, state, rowless, definition, columns)
    SELECT id, generation, @link_id, 'building', @rowless, @definition, @columns
    FROM added
    RETURNING view_id, refresh_every
), stated AS (
    INSERT INTO redcache.state (view_id, next_due)
    SELECT view_id, CASE WHEN refresh_every > '0' THEN clock_timestamp() + @due_in::interval END
    FROM defined
)
SELECT id, generation, created_at, changed_at
FROM added
