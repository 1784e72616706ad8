-- @matview-schema bi
-- @matview-name sales
-- @intervall-in-minutes 5
-- @every 5m
-- @interval-in-minutes 5
-- @key
-- @strategy swop
-- @allow-shrink 130
SELECT 1 AS one; SELECT 2
