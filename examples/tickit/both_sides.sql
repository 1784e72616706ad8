-- People who buy and sell.
-- @matview-schema box
-- @matview-name both_sides
-- @key userid
-- @interval-in-minutes 120
SELECT userid, b.name, b.paid, s.sold
FROM box.buyers b
JOIN box.sellers s USING (userid)
