/*
 * @matview-schema bi
 * @matview-name a
 */
SELECT x FROM bi.b
