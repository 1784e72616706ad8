/*
 * @matview-schema bi
 * @matview-name d
 * @source redshift
 */
SELECT x FROM bi.a
