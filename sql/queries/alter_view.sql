WITH altered AS (
    UPDATE redcache.view
    SET query = $2, columns = $3, strategy = $4, key = $5, watermark = $6, lookback = $7, safety_lag = $8,
        reconcile_every = $9, refresh_every = $10, max_age = $11, timeout = $12, indexes = $13, grantees = $14,
        nul_bytes = $15, generation = $16, link_id = $17, transport = $19, group_name = $20, allow_shrink = $21,
        skip_unchanged = $22, split = $23, sessions = $24, first_generation = $25, query_generation = $26,
        changed_at = clock_timestamp()
    WHERE id = $1
    RETURNING id, changed_at
)
UPDATE redcache.state s
SET next_due = $18, failures = $27, modified = $28, content = $29
FROM altered a
WHERE s.view_id = a.id
RETURNING a.changed_at
