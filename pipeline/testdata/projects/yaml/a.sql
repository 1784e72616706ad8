/*
 * @matview-schema bi
 * @matview-name a
 */
SELECT x FROM raw.t
