SELECT RUN_COLUMNS(r)
FROM redcache.state s
JOIN redcache.run r ON r.id = s.last_run_id
    -- and the newest refresh that says it is running; an older one was left behind
    OR r.id = (SELECT max(o.id) FROM redcache.run o WHERE o.view_id = s.view_id AND o.state = 'running' AND NOT (/* building o */))
JOIN redcache.view v ON v.id = r.view_id
