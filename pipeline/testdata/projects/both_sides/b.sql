/*
 * @matview-schema bi
 * @matview-name b
 */
SELECT x
FROM bi.a
JOIN raw.u USING (x)
