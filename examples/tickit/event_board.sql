-- What a page on events shows: all of it from the cache.
-- @matview-schema box
-- @matview-name event_board
-- @key eventid
-- @interval-in-minutes 60
SELECT e.eventid, e.eventname, e.starttime, v.name AS venue, v.place, c.kind, e.tickets, e.paid,
       round(100.0 * e.tickets / v.seats, 2) AS filled_percent
FROM box.sales_by_event e
JOIN box.venues v ON v.venueid = e.venueid
JOIN box.categories c ON c.catid = e.catid
