-- What a view is to be, as a set is to make it (@set): a generation of an own number, that nothing points at. A view that is
-- not there yet has its name taken, and nothing else. One without rows needs nobody to fill it.
WITH added AS (
    INSERT INTO redcache.view (schema_name, view_name, generation)
    SELECT @schema_name, @view_name, @generation WHERE @id = 0
    RETURNING id, created_at, changed_at
), stated AS (
    INSERT INTO redcache.state (view_id) SELECT id FROM added
), known AS (
    SELECT id, created_at, changed_at FROM added
    UNION ALL
    SELECT id, created_at, changed_at FROM redcache.view WHERE id = @id
), prepared AS (
    INSERT INTO redcache.generation (view_id, number, set_id, link_id, state, rowless, definition, columns, lineage)
    SELECT id, @generation, @set, @link_id, CASE WHEN @rowless THEN 'filled' ELSE 'building' END, @rowless, @definition, @columns, (/* kept lineage */)
    FROM known
)
SELECT id, created_at, changed_at FROM known
