WITH added AS (
    INSERT INTO redcache.view (link_id, schema_name, view_name, query, columns, strategy, key, watermark, lookback,
                               safety_lag, reconcile_every, refresh_every, max_age, timeout, indexes, grantees,
                               nul_bytes, transport, group_name, allow_shrink, skip_unchanged, split, sessions)
    VALUES (@link_id, @schema_name, @view_name, @query, @columns, @strategy, @key, @watermark, @lookback, @safety_lag,
            @reconcile_every, @refresh_every, @max_age, @timeout, @indexes, @grantees, @nul_bytes, @transport,
            @group_name, @allow_shrink, @skip_unchanged, @split, @sessions)
    RETURNING id, generation, first_generation, query_generation, created_at, changed_at, refresh_every
), stated AS (
    INSERT INTO redcache.state (view_id, next_due)
    SELECT id, CASE WHEN refresh_every > '0' THEN clock_timestamp() + @due_in::interval END
    FROM added
)
SELECT id, generation, first_generation, query_generation, created_at, changed_at
FROM added
