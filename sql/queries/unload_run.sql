-- What a run loaded has been merged into what readers see (@generation), instead of being published.
WITH merged AS (
    UPDATE redcache.run
    SET strategy = @strategy, generation = @generation, rows_inserted = @rows_inserted, rows_updated = @rows_updated, rows_deleted = @rows_deleted, waited = @waited,
        reason = pg_catalog.concat_ws('; ', reason, @reason::text)
    WHERE id = @run AND started_at = @started_at
    RETURNING view_id, as_of
), renumbered AS (
    UPDATE redcache.view v SET generation = @generation FROM merged m WHERE v.id = m.view_id
)
UPDATE redcache.state s
SET loaded = @generation, as_of = greatest(CASE WHEN s.as_of <= clock_timestamp() THEN s.as_of END, m.as_of)
FROM merged m
WHERE s.view_id = m.view_id
