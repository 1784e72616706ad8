/*
 * @matview-schema bi
 * @matview-name c
 * @source cache
 */
SELECT x FROM raw.u
