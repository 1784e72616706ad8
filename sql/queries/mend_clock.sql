-- What the states say of the future although it cannot be so: the clock of this database was ahead, and is right again. A
-- view whose last run has yet to begin, or that is due later than an hour and its interval from now, is due now; a message
-- that is on its way for longer than $1 is none. Both would keep the view from being refreshed until the clock gets there.
WITH ahead AS (
    SELECT s.view_id,
           coalesce(s.next_due > statement_timestamp()
                    AND (r.started_at > statement_timestamp()
                         OR s.next_due > statement_timestamp() + v.refresh_every + interval '1 hour'), false) AS due,
           coalesce(s.queued_until > statement_timestamp() + $1::interval, false) AS queued
    FROM redcache.state s
    JOIN redcache.defined v ON v.id = s.view_id
    LEFT JOIN redcache.run r ON r.id = s.last_run_id
    WHERE s.next_due > statement_timestamp() OR s.queued_until > statement_timestamp()
)
UPDATE redcache.state s
SET next_due = CASE WHEN a.due THEN statement_timestamp() ELSE s.next_due END,
    queued_until = CASE WHEN a.queued THEN NULL ELSE s.queued_until END
FROM ahead a
WHERE s.view_id = a.view_id AND (a.due OR a.queued)
