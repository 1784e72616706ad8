-- What a run loaded has been merged into what readers see (@generation), instead of being published, and is gone.
WITH merged AS (
    UPDATE redcache.run
    SET strategy = @strategy, generation = @generation, rows_inserted = @rows_inserted, rows_updated = @rows_updated, rows_deleted = @rows_deleted, waited = @waited,
        reason = pg_catalog.concat_ws('; ', reason, @reason::text)
    WHERE id = @run AND started_at = @started_at
    RETURNING view_id, as_of
), unloaded AS (
    DELETE FROM redcache.generation g
    USING merged m, redcache.copy c
    WHERE g.view_id = m.view_id AND c.view_id = m.view_id AND g.number = c.loaded AND g.number <> @generation
    RETURNING g.*
), pointed AS (
    UPDATE redcache.view v SET generation = @generation FROM merged m WHERE v.id = m.view_id
)
UPDATE redcache.generation g
SET as_of = greatest(CASE WHEN g.as_of <= clock_timestamp() THEN g.as_of END, m.as_of),
    row_count = u.row_count, reconciled_at = u.reconciled_at, modified = u.modified, content = u.content
FROM merged m
JOIN unloaded u ON u.view_id = m.view_id
WHERE g.view_id = m.view_id AND g.number = @generation
