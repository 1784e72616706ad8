/* @matview-schema bi
 * @matview-name sales
 * @key id
 * @primary-keys id
	select 1