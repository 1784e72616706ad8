-- @matview-schema box
-- @matview-name running_total
-- @key day
-- @interval-in-minutes 60
SELECT day, paid, sum(paid) OVER (ORDER BY day) AS so_far
FROM box.daily_sales
