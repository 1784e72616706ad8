-- Who sells, and what share of what was listed was sold.
-- @matview-schema box
-- @matview-name sellers
-- @key userid
-- @interval-in-minutes 120
SELECT u.userid, u.username, listed.tickets AS listed, NVL(sold.tickets, 0) AS sold,
       ROUND(100.0 * NVL(sold.tickets, 0) / NULLIF(listed.tickets, 0), 1) AS sold_percent
FROM tickit.users u
JOIN (SELECT sellerid, sum(numtickets) AS tickets FROM tickit.listing GROUP BY sellerid) listed ON listed.sellerid = u.userid
LEFT JOIN (SELECT sellerid, sum(qtysold) AS tickets FROM tickit.sales GROUP BY sellerid) sold ON sold.sellerid = u.userid
