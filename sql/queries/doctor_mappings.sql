-- Who beside the current role has a login on Redshift over which link. Role 0 is PUBLIC.
SELECT l.name AS link, l.id AS link_id, m.umuser = 0 AS public, coalesce(m.usename::text, '') AS role
FROM redcache.link l
JOIN pg_catalog.pg_user_mappings m ON m.srvname = 'redcache_' || l.name
WHERE m.usename <> current_user OR m.umuser = 0
ORDER BY l.name, m.umuser
