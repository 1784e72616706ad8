-- How each link is used, and how old its password is. A slot that is taken is a session on Redshift.
SELECT k.name, coalesce(h.sessions, 0) AS sessions, statement_timestamp() - s.renewed_at AS age,
       s.expires_at - statement_timestamp() AS left
FROM redcache.link k
JOIN redcache.link_state s ON s.link_id = k.id
LEFT JOIN (
    SELECT l.objid::bigint / 64 AS link_id, count(*)::integer AS sessions
    FROM pg_catalog.pg_locks l
    WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted AND l.classid = 'redcache.link'::regclass
      AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
    GROUP BY 1
) h ON h.link_id = k.id
ORDER BY k.name
