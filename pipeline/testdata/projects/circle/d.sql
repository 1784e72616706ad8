/*
 * @matview-schema bi
 * @matview-name d
 */
SELECT x FROM bi.a
