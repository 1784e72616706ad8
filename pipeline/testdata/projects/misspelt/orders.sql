-- @matview-schema bi
-- @matview-name orders
SELECT id, customer_id FROM raw.orders
