-- What the last whole refreshes of a view were like. A merge that was a switch's way out counts for its wait as well.
SELECT count(*) FILTER (WHERE r.strategy = 'merge'),
       coalesce(sum(r.rows_inserted + r.rows_updated + r.rows_deleted) FILTER (WHERE r.strategy = 'merge')
                / nullif(sum(r.rows_read) FILTER (WHERE r.strategy = 'merge'), 0), 0)::double precision,
       coalesce(max(r.waited), '0')
FROM (
    SELECT strategy, rows_read, rows_inserted, rows_updated, rows_deleted, waited
    FROM redcache.run
    WHERE view_id = $1 AND state = 'succeeded' AND whole
    ORDER BY id DESC
    LIMIT 20
) r
