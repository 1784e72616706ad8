/* @matview-schema bi
 * @matview-name sales */
INSERT INTO t VALUES (1)
