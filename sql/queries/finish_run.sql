-- What the run has written is a generation of the definition in force: the one that runs wrote to before, or another one that
-- takes its place. What a whole read finds is the watermark, even if that is nothing; a partial read that finds nothing
-- leaves it alone. As-of is that of a whole read; else it does not go back, unless it is from the future: then the clock
-- was wrong before. While a generation waits to be published (@published is false), readers see the one before. What a set
-- builds (@set) waits for the others of the set, and nothing points at it.
WITH finished AS (
    UPDATE redcache.run
    SET state = 'succeeded', finished_at = clock_timestamp(), as_of = @as_of, whole = @whole, rows_read = @rows_read,
        rows_inserted = @rows_inserted, rows_updated = @rows_updated, rows_deleted = @rows_deleted,
        watermark = @watermark, generation = @generation, attempts = @attempts,
        strategy = @strategy, transport = @transport, bytes_read = @bytes_read, waited = @waited, reason = nullif(@reason, '')
    WHERE id = @run AND started_at = @started_at AND state = 'running'
    RETURNING *
), retired AS (
    UPDATE redcache.generation g
    SET state = 'retired'
    FROM finished f
    WHERE @set::integer IS NULL AND g.view_id = f.view_id AND g.number <> @generation AND (/* in force g */)
      AND (g.state = 'filled' OR g.state = 'published' AND @published)
    RETURNING 1
), written AS (
    INSERT INTO redcache.generation AS g (view_id, number, link_id, set_id, rowless, definition, columns, lineage, state,
                                          row_count, as_of, reconciled_at, watermark, modified, content)
    SELECT f.view_id, @generation, d.link_id, d.set_id, d.rowless, d.definition, d.columns, d.lineage, CASE WHEN @published THEN 'published' ELSE 'filled' END,
           CASE WHEN NOT d.rowless THEN @row_count::bigint END, f.as_of, CASE WHEN f.whole THEN f.as_of END, @watermark, @modified, @content
    FROM finished f
    JOIN redcache.view v ON v.id = f.view_id
    JOIN redcache.generation d ON d.view_id = v.id
        AND CASE WHEN @set::integer IS NULL THEN d.number = v.generation ELSE d.number = @generation AND d.set_id = @set END
    WHERE (SELECT count(*) FROM retired) >= 0 -- first, since only one is published
    ON CONFLICT (view_id, number) DO UPDATE
    SET state = excluded.state, row_count = excluded.row_count, modified = excluded.modified, content = excluded.content,
        as_of = greatest(CASE WHEN excluded.reconciled_at IS NULL AND g.as_of <= clock_timestamp() THEN g.as_of END, excluded.as_of),
        reconciled_at = coalesce(excluded.reconciled_at, g.reconciled_at),
        watermark = CASE WHEN excluded.reconciled_at IS NULL THEN coalesce(excluded.watermark, g.watermark) ELSE excluded.watermark END
    RETURNING g.view_id, g.refresh_every, g.label
), pointed AS (
    UPDATE redcache.view v
    SET generation = @generation
    FROM finished f
    WHERE @set::integer IS NULL AND v.id = f.view_id AND v.generation <> @generation
)
UPDATE redcache.state s
SET failures = CASE WHEN @set::integer IS NULL THEN 0 ELSE s.failures END,
    unready_since = CASE WHEN @set::integer IS NOT NULL THEN s.unready_since END,
    last_run_id = CASE WHEN @set::integer IS NULL THEN f.id ELSE s.last_run_id END,
    next_due = CASE WHEN @set::integer IS NULL THEN coalesce(w.label, f.started_at + nullif(w.refresh_every, '0')) ELSE s.next_due END
FROM finished f
JOIN written w ON w.view_id = f.view_id
JOIN redcache.view v ON v.id = f.view_id
WHERE s.view_id = f.view_id
RETURNING RUN_COLUMNS(f)
