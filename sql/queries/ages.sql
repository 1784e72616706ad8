-- How old each view is, and what is to happen to it.
SELECT v.schema_name, v.view_name, CASE WHEN pg_catalog.isfinite(s.as_of) THEN statement_timestamp() - s.as_of END AS age,
       coalesce(v.max_age > '0', false) AND coalesce(s.as_of NOT BETWEEN statement_timestamp() - least(v.max_age, '1000 years') AND statement_timestamp(), true) AS stale,
       coalesce(s.next_due <= statement_timestamp(), false)
           AND (v.link_id IS NOT NULL OR (SELECT count(*) FROM redcache.awaited a WHERE a.view_id = v.id) = 0) AS due,
       coalesce(s.queued_until > statement_timestamp(), false) AS queued
FROM redcache.defined v
JOIN redcache.copy s ON s.view_id = v.id
ORDER BY v.schema_name, v.view_name
