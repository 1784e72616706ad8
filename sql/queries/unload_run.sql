-- What a run loaded has been merged into what readers see ($2), instead of being published.
WITH merged AS (
    UPDATE redcache.run
    SET strategy = 'merge', generation = $2, rows_inserted = $3, rows_updated = $4, rows_deleted = $5, waited = $6,
        reason = pg_catalog.concat_ws('; ', reason, $7::text)
    WHERE id = $1 AND started_at = $8
    RETURNING view_id, as_of
), renumbered AS (
    UPDATE redcache.view v SET generation = $2 FROM merged m WHERE v.id = m.view_id
)
UPDATE redcache.state s
SET loaded = $2, as_of = greatest(CASE WHEN s.as_of <= clock_timestamp() THEN s.as_of END, m.as_of)
FROM merged m
WHERE s.view_id = m.view_id
