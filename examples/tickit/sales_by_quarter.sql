-- Each quarter, each year, and all of them.
-- @matview-schema box
-- @matview-name sales_by_quarter
-- @strategy swap
-- @every 12h
SELECT d.year, d.qtr, GROUPING(d.qtr) AS is_total, sum(s.pricepaid) AS paid
FROM tickit.sales s, tickit.date d
WHERE s.dateid = d.dateid
GROUP BY ROLLUP (d.year, d.qtr)
