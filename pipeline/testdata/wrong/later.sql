-- @matview-schema bi
-- @matview-name sales
-- @keep-in redshift
-- @alert count(*) > 0
SELECT 1 AS one
