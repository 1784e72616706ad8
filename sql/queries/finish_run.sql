-- What a whole read finds is the watermark, even if that is nothing; a partial read that finds nothing leaves it alone.
-- As-of is that of a whole read; else it does not go back, unless it is from the future: then the clock was wrong before.
-- Readers' as-of moves with what readers see: while a generation waits to be published ($12 is false), it stays.
WITH finished AS (
    UPDATE redcache.run
    SET state = 'succeeded', finished_at = clock_timestamp(), as_of = $2, whole = $3, rows_read = $4,
        rows_inserted = $5, rows_updated = $6, rows_deleted = $7, watermark = $9, generation = $10, attempts = $11,
        strategy = $13, transport = $14, bytes_read = $15, waited = $16, reason = nullif($17, '')
    WHERE id = $1 AND started_at = $20 AND state = 'running'
    RETURNING *
), moved AS (
    INSERT INTO redcache.watermark (view_id, value)
    SELECT view_id, $9
    FROM finished
    WHERE $9::text IS NOT NULL
    ON CONFLICT (view_id) DO UPDATE SET value = excluded.value, moved_at = excluded.moved_at
), forgotten AS (
    DELETE FROM redcache.watermark w
    USING finished f
    WHERE w.view_id = f.view_id AND f.whole AND $9::text IS NULL
), renumbered AS ( -- a swap makes the next generation of the same definition, or gives it up again
    UPDATE redcache.view v
    SET generation = $10
    FROM finished f
    WHERE v.id = f.view_id AND v.generation <> $10
)
UPDATE redcache.state s
SET loaded = $10, generation = CASE WHEN $12 THEN $10 ELSE s.generation END,
    as_of = CASE WHEN $12 THEN greatest(CASE WHEN NOT f.whole AND s.as_of <= clock_timestamp() THEN s.as_of END, f.as_of)
                 ELSE s.as_of END,
    failures = 0, row_count = $8, last_run_id = f.id, modified = $18, content = $19,
    reconciled_at = CASE WHEN f.whole THEN f.as_of ELSE s.reconciled_at END,
    next_due = f.started_at + nullif(v.refresh_every, '0')
FROM finished f
JOIN redcache.view v ON v.id = f.view_id
WHERE s.view_id = f.view_id
RETURNING f.id, f.view_id, v.schema_name, v.view_name, f.strategy, f.state, f.whole, f.generation, f.origin,
          f.application, f.pid, f.attempts, f.started_at, f.finished_at, f.as_of, f.rows_read, f.rows_inserted,
          f.rows_updated, f.rows_deleted, f.watermark, f.holder, f.error, f.public_error, f.hint,
          f.waited, f.bytes_read, f.transport, f.reason
