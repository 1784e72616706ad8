/* @matview-schema bi
 * @matview-name sales */
