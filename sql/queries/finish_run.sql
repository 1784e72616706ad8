-- What a whole read finds is the watermark, even if that is nothing; a partial read that finds nothing leaves it alone.
-- As-of is that of a whole read; else it does not go back, unless it is from the future: then the clock was wrong before.
-- Readers' as-of moves with what readers see: while a generation waits to be published (@published is false), it stays.
WITH finished AS (
    UPDATE redcache.run
    SET state = 'succeeded', finished_at = clock_timestamp(), as_of = @as_of, whole = @whole, rows_read = @rows_read,
        rows_inserted = @rows_inserted, rows_updated = @rows_updated, rows_deleted = @rows_deleted,
        watermark = @watermark, generation = @generation, attempts = @attempts,
        strategy = @strategy, transport = @transport, bytes_read = @bytes_read, waited = @waited, reason = nullif(@reason, '')
    WHERE id = @run AND started_at = @started_at AND state = 'running'
    RETURNING *
), moved AS (
    INSERT INTO redcache.watermark (view_id, value)
    SELECT view_id, @watermark
    FROM finished
    WHERE @watermark::text IS NOT NULL
    ON CONFLICT (view_id) DO UPDATE SET value = excluded.value, moved_at = excluded.moved_at
), forgotten AS (
    DELETE FROM redcache.watermark w
    USING finished f
    WHERE w.view_id = f.view_id AND f.whole AND @watermark::text IS NULL
), renumbered AS ( -- a swap makes the next generation of the same definition, or gives it up again
    UPDATE redcache.view v
    SET generation = @generation
    FROM finished f
    WHERE v.id = f.view_id AND v.generation <> @generation
)
UPDATE redcache.state s
SET loaded = @generation, generation = CASE WHEN @published THEN @generation ELSE s.generation END,
    as_of = CASE WHEN @published THEN greatest(CASE WHEN NOT f.whole AND s.as_of <= clock_timestamp() THEN s.as_of END, f.as_of)
                 ELSE s.as_of END,
    failures = 0, row_count = @row_count, last_run_id = f.id, modified = @modified, content = @content,
    reconciled_at = CASE WHEN f.whole THEN f.as_of ELSE s.reconciled_at END,
    next_due = f.started_at + nullif(v.refresh_every, '0')
FROM finished f
JOIN redcache.view v ON v.id = f.view_id
WHERE s.view_id = f.view_id
RETURNING RUN_COLUMNS(f)
