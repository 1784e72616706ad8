-- The ten events with the most money in each month. A CTE may be called like a table.
-- @matview-schema box
-- @matview-name best_sellers_by_month
-- @key month, place
-- @every 6h
WITH sales AS (
    SELECT DATE_TRUNC('month', s.saletime) AS month, s.eventid, sum(s.pricepaid) AS paid
    FROM tickit.sales s
    GROUP BY 1, 2
), placed AS (
    SELECT month, eventid, paid, ROW_NUMBER() OVER (PARTITION BY month ORDER BY paid DESC, eventid) AS place
    FROM sales
)
SELECT p.month, p.place, e.eventname, p.paid
FROM placed p
JOIN tickit.event e USING (eventid)
WHERE p.place <= 10
