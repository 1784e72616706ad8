-- @matview-schema bi
-- @matview-name here
-- @source cache
SELECT name FROM bi.customer
