-- @matview-schema bi
-- @matview-name sales
-- @keep-in redshift
-- @check count(*) > 0
SELECT 1 AS one
