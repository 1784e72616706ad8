/*
 * @matview-schema bi
 * @matview-name a
 */
SELECT x FROM u
