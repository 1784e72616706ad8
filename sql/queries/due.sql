-- What is due and not being refreshed by anybody right now; of a group one view, as it stands for the others. Links take turns, the longest overdue view of each first,
-- so that however many views one link has overdue, the first rows have some of every link. A link whose slots are all
-- taken has none, and neither has one that rests. Local views take turns as those of one link do; one whose inputs have not all reached
-- its label is not due. With $3, views for which a message is on its way are left out as well.
WITH held AS MATERIALIZED (
    SELECT l.classid, l.objid::bigint AS id
    FROM pg_catalog.pg_locks l
    WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted
      AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
      AND l.classid IN ('redcache.view'::regclass, 'redcache.link'::regclass)
), busy AS (
    SELECT k.id
    FROM redcache.link k
    JOIN held h ON h.classid = 'redcache.link'::regclass AND h.id / 64 = k.id
    GROUP BY k.id
    HAVING count(*) >= k.max_concurrency
    UNION
    SELECT r.link_id FROM redcache.link_state r
    WHERE r.rest_until > statement_timestamp() AND r.rest_until <= statement_timestamp() + interval '1 hour' -- else the clock was wrong
), taken AS MATERIALIZED ( -- groups of which a view is being refreshed, or must not be started
    SELECT DISTINCT v.group_name
    FROM redcache.defined v
    WHERE v.group_name <> ''
      AND (v.id = ANY ($1::integer[])
           OR $3 AND v.id IN (SELECT q.view_id FROM redcache.state q WHERE q.queued_until > statement_timestamp())
           OR v.id IN (SELECT h.id FROM held h WHERE h.classid = 'redcache.view'::regclass))
), first_of_group AS MATERIALIZED (
    SELECT min(v.id) AS id
    FROM redcache.defined v
    JOIN redcache.state s ON s.view_id = v.id
    WHERE v.group_name <> '' AND s.next_due <= statement_timestamp()
    GROUP BY v.group_name
), due AS (
    SELECT v.id, v.schema_name, v.view_name, coalesce(v.link_id, 0) AS link_id, s.next_due,
           row_number() OVER (PARTITION BY v.link_id ORDER BY s.next_due, v.id) AS turn
    FROM redcache.state s
    JOIN redcache.defined v ON v.id = s.view_id
    WHERE s.next_due <= statement_timestamp() -- stable, unlike clock_timestamp(), so that the index is used
      AND v.id <> ALL ($1::integer[])
      AND (v.link_id IS NOT NULL OR (SELECT count(*) FROM redcache.awaited a WHERE a.view_id = v.id) = 0)
      AND NOT ($3 AND coalesce(s.queued_until > statement_timestamp(), false))
      AND NOT EXISTS (SELECT FROM held h WHERE h.classid = 'redcache.view'::regclass AND h.id = v.id)
      AND NOT EXISTS (SELECT FROM busy b WHERE b.id = v.link_id)
      AND (v.group_name = '' OR v.id IN (SELECT f.id FROM first_of_group f)
                                AND v.group_name NOT IN (SELECT t.group_name FROM taken t))
)
SELECT d.id, d.schema_name, d.view_name, d.link_id, d.next_due
FROM due d
WHERE d.turn <= $2
ORDER BY d.turn, d.next_due
LIMIT $2
