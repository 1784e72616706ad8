/*
 * @matview-schema bi
 * @matview-name c
 */
SELECT x FROM bi.a
