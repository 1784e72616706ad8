-- Who buys, how much, and since when.
-- @matview-schema box
-- @matview-name buyers
-- @key userid
-- @interval-in-minutes 120
SELECT u.userid, u.firstname || ' ' || u.lastname AS name, u.city, u.state, b.purchases, b.paid, b.first_purchase
FROM tickit.users AS u
JOIN (SELECT buyerid, count(*) AS purchases, sum(pricepaid) AS paid, min(saletime) AS first_purchase
      FROM tickit.sales
      GROUP BY buyerid) AS b ON b.buyerid = u.userid
