-- @matview-schema box
-- @matview-name loyal_buyers
-- @key userid
-- @interval-in-minutes 120
SELECT b.userid, b.name, b.purchases
FROM box.buyers b
WHERE b.purchases > (SELECT avg(other.purchases) FROM box.buyers other)
