-- What each event has brought in.
-- @matview-schema box
-- @matview-name sales_by_event
-- @key eventid
-- @interval-in-minutes 60
WITH sold AS (
    SELECT eventid, sum(qtysold) AS tickets, sum(pricepaid) AS paid, max(saletime) AS last_sale
    FROM tickit.sales
    GROUP BY eventid
)
SELECT e.eventid, e.eventname, e.venueid, e.catid, e.starttime, NVL(sold.tickets, 0) AS tickets, NVL(sold.paid, 0) AS paid, sold.last_sale
FROM tickit.event e
LEFT JOIN sold ON sold.eventid = e.eventid
