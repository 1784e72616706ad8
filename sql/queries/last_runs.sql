SELECT RUN_COLUMNS(r)
FROM redcache.state s
CROSS JOIN LATERAL (
    -- The newest refresh that says it is running; an older one was left behind.
    SELECT max(o.id) AS running FROM redcache.run o WHERE o.view_id = s.view_id AND o.state = 'running' AND NOT (/* building o */)
) l
JOIN redcache.run r ON r.id = ANY (ARRAY[s.last_run_id, l.running])
JOIN redcache.view v ON v.id = r.view_id
