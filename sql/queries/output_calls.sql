-- What a temporary view does beside computing: it locks rows; or calls, however it writes that, volatile functions.
WITH called AS (
    SELECT DISTINCT (m.found)[1]::pg_catalog.oid AS oid
    FROM pg_catalog.pg_rewrite r
    CROSS JOIN LATERAL pg_catalog.regexp_matches(r.ev_action::text, ':(?:funcid|opfuncid|aggfnoid|winfnoid) ([0-9]+)', 'g') m (found)
    WHERE r.ev_class = 'pg_temp.redcache_output'::pg_catalog.regclass
)
SELECT '' AS name
FROM pg_catalog.pg_rewrite r
WHERE r.ev_class = 'pg_temp.redcache_output'::pg_catalog.regclass AND r.ev_action::text ~ ':hasForUpdate true'
UNION ALL
SELECT pg_catalog.format('%I.%I', n.nspname, p.proname) AS name
FROM called c
JOIN pg_catalog.pg_proc p ON p.oid = c.oid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.provolatile = 'v'
ORDER BY 1
LIMIT 1
