-- @matview-schema box
-- @matview-name venues_ranked
-- @key venueid
-- @interval-in-minutes 120
WITH paid AS (SELECT venueid, sum(paid) AS paid FROM box.sales_by_event GROUP BY venueid)
SELECT v.venueid, v.name, p.paid, rank() OVER (ORDER BY p.paid DESC) AS place
FROM paid p
JOIN box.venues v USING (venueid)
