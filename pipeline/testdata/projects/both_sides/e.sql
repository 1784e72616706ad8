-- @matview-schema bi
-- @matview-name e
-- @source cache
-- @names redshift
SELECT x FROM bi.a
