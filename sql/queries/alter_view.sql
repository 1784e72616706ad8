WITH altered AS (
    UPDATE redcache.view
    SET query = $2, columns = $3, strategy = $4, key = $5, watermark = $6, lookback = $7, safety_lag = $8,
        reconcile_every = $9, refresh_every = $10, max_age = $11, timeout = $12, indexes = $13, grantees = $14,
        nul_bytes = $15, generation = $16, link_id = $17, transport = $19, group_name = $20, allow_shrink = $21,
        skip_unchanged = $22, split = $23, sessions = $24, changed_at = clock_timestamp()
    WHERE id = $1
    RETURNING id, refresh_every
)
UPDATE redcache.state s
SET failures = 0, modified = NULL, content = NULL, -- they were about the query as it was
    next_due = CASE WHEN a.refresh_every > '0' THEN clock_timestamp() + $18::interval END
FROM altered a
WHERE s.view_id = a.id
