-- @matview-schema bi
-- @matview-name a
-- @link dw
SELECT id FROM other.shop.sale
