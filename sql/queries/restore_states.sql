-- A view of which the state is gone (a table was restored alone, say) is due.
INSERT INTO redcache.state (view_id, next_due)
SELECT v.id, CASE WHEN v.refresh_every > '0' THEN pg_catalog.clock_timestamp() END
FROM redcache.defined v
WHERE NOT EXISTS (SELECT FROM redcache.state s WHERE s.view_id = v.id)
ON CONFLICT (view_id) DO NOTHING
