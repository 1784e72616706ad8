/*
 * @matview-schema bi
 * @matview-name b
 */
SELECT x FROM bi.c
JOIN raw.t USING (x)
