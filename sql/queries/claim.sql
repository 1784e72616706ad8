-- Claims due views, for whom a message that asks for their refresh is to be sent, and returns them. Whoever locks a state first has the view;
-- another dispatcher skips it, or finds that it is queued. Of each link no more is claimed than its slots work off within
-- $5, going by how long the views took last, with what is queued already; but as much as there are slots at any rate.
WITH due AS (
/* due.sql */
), queued AS (
    SELECT coalesce(v.link_id, 0) AS link_id, count(*) AS views, sum(greatest(coalesce(r.finished_at - r.started_at, interval '10 seconds'), '0')) AS work
    FROM redcache.state s
    JOIN redcache.defined v ON v.id = s.view_id
    LEFT JOIN redcache.run r ON r.id = s.last_run_id AND r.state <> 'skipped'
    WHERE s.queued_until > statement_timestamp()
    GROUP BY 1
), line AS (
    SELECT d.id, d.link_id, row_number() OVER earlier AS views,
           sum(greatest(coalesce(r.finished_at - r.started_at, interval '10 seconds'), '0')) OVER earlier AS work
    FROM due d
    JOIN redcache.state s ON s.view_id = d.id
    LEFT JOIN redcache.run r ON r.id = s.last_run_id AND r.state <> 'skipped'
    WINDOW earlier AS (PARTITION BY d.link_id ORDER BY d.next_due, d.id)
), wanted AS (
    SELECT n.id
    FROM line n
    LEFT JOIN redcache.link k ON k.id = n.link_id
    LEFT JOIN queued q ON q.link_id = n.link_id
    WHERE k.id IS NULL -- nothing is read through a link
       OR n.views + coalesce(q.views, 0) <= k.max_concurrency
       OR n.work + coalesce(q.work, '0') <= k.max_concurrency * $5::interval
), claimed AS (
    SELECT s.view_id
    FROM redcache.state s
    WHERE s.view_id IN (SELECT w.id FROM wanted w)
      AND s.next_due <= statement_timestamp() -- both once more, of a row that has changed since it was found
      AND coalesce(s.queued_until <= statement_timestamp(), true)
    FOR UPDATE OF s SKIP LOCKED
)
UPDATE redcache.state s
SET queued_until = statement_timestamp() + $4::interval
FROM claimed c
JOIN due d ON d.id = c.view_id
WHERE s.view_id = c.view_id
RETURNING d.id, d.schema_name, d.view_name, d.link_id, d.next_due, s.queued_until
