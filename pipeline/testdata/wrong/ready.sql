-- @matview-schema a
-- @matview-name b
-- @ready-when SELECT 'ü' = 'ü'; DELETE FROM log
SELECT 1 AS c
