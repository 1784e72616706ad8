-- Tickets and money by the day on which they were sold.
-- @matview-schema box
-- @matview-name daily_sales
-- @key day
-- @interval-in-minutes 60
SELECT d.caldate AS day, count(*) AS sales, sum(s.qtysold) AS tickets, sum(s.pricepaid) AS paid, sum(s.commission) AS commission
FROM tickit.sales s
JOIN tickit.date d ON d.dateid = s.dateid
GROUP BY d.caldate
