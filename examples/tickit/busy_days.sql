-- Days on which more was sold than on the days around.
-- @matview-schema box
-- @matview-name busy_days
-- @key day
-- @every 6h
SELECT day, tickets, usual
FROM (
    SELECT d.caldate AS day, sum(s.qtysold) AS tickets,
           AVG(sum(s.qtysold)) OVER (ORDER BY d.caldate ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING) AS usual
    FROM tickit.date d
    JOIN tickit.sales s ON s.dateid = d.dateid
    WHERE d.caldate < DATEADD(year, 1, '2030-01-01'::date)
    GROUP BY d.caldate
) AS around
WHERE tickets > usual
