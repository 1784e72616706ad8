WITH altered AS (
    UPDATE redcache.view
    SET query = @query, columns = @columns, strategy = @strategy, key = @key, watermark = @watermark,
        lookback = @lookback, safety_lag = @safety_lag, reconcile_every = @reconcile_every,
        refresh_every = @refresh_every, max_age = @max_age, timeout = @timeout, indexes = @indexes,
        grantees = @grantees, nul_bytes = @nul_bytes, generation = @generation, link_id = @link_id,
        transport = @transport, group_name = @group_name, allow_shrink = @allow_shrink,
        skip_unchanged = @skip_unchanged, split = @split, sessions = @sessions, first_generation = @first_generation,
        query_generation = @query_generation, changed_at = clock_timestamp()
    WHERE id = @id
    RETURNING id, changed_at
)
UPDATE redcache.state s
SET next_due = @next_due, failures = @failures, modified = @modified, content = @content
FROM altered a
WHERE s.view_id = a.id
RETURNING a.changed_at
