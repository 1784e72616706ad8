-- @matview-schema bi
-- @matview-name customers
SELECT id, name FROM raw.customers
