SELECT 1 AS one
-- @key one
FROM t
