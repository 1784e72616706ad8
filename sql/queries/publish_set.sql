-- All views of a set point at what it has built for them, and readers see that. What they saw before is kept for a while, if the
-- set says so; else it is retired, with what was kept before, and what else was loaded or asked for meanwhile: another definition
-- has made way. A view that was refreshed after it was built is due at once.
WITH taken AS (
    UPDATE redcache.set SET published_at = clock_timestamp() WHERE id = $1 AND published_at IS NULL RETURNING id, published_at, keep
), built AS (
    SELECT g.view_id, g.number, g.as_of, g.refresh_every, g.label, r.id AS run_id, r.started_at
    FROM taken t
    JOIN redcache.generation g ON g.set_id = t.id AND g.state = 'filled'
    LEFT JOIN LATERAL (
        SELECT r.id, r.started_at FROM redcache.run r
        WHERE r.view_id = g.view_id AND r.generation = g.number AND r.state = 'succeeded'
        ORDER BY r.id DESC LIMIT 1
    ) r ON true
), retired AS (
    UPDATE redcache.generation g
    SET state = CASE WHEN g.state = 'published' AND t.keep > '0' THEN 'kept' ELSE 'retired' END,
        kept_by = CASE WHEN g.state = 'published' AND t.keep > '0' THEN t.id END
    FROM built b, taken t
    WHERE g.view_id = b.view_id AND g.number <> b.number
      AND (g.state IN ('published', 'kept') OR g.state IN ('building', 'filled') AND (/* in force g */))
    RETURNING g.view_id, g.as_of
), published AS (
    UPDATE redcache.generation g
    SET state = 'published'
    FROM built b
    WHERE g.view_id = b.view_id AND g.number = b.number AND (SELECT count(*) FROM retired) >= 0 -- first
    RETURNING g.view_id
), pointed AS (
    UPDATE redcache.view v
    SET generation = b.number, changed_at = t.published_at
    FROM built b, taken t
    WHERE v.id = b.view_id
)
UPDATE redcache.state s
SET failures = 0, unready_since = NULL, last_run_id = coalesce(b.run_id, s.last_run_id),
    next_due = CASE WHEN b.as_of < (SELECT max(r.as_of) FROM retired r WHERE r.view_id = b.view_id) AND b.refresh_every > '0'
                    THEN clock_timestamp() ELSE coalesce(b.label, b.started_at + nullif(b.refresh_every, '0')) END
FROM built b
JOIN published p ON p.view_id = b.view_id
WHERE s.view_id = b.view_id
RETURNING s.view_id
