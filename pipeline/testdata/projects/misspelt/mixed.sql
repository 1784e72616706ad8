-- @matview-schema bi
-- @matview-name mixed
SELECT c.name, o.id FROM bi.customers c JOIN bi.ordres o ON o.customer_id = c.id
