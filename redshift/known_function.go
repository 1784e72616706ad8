package redshift

import "strings"

// volatileWords depend on the clock or the session, and need no parentheses.
var volatileWords = wordSet(`
	sysdate current_date current_time current_timestamp localtime localtimestamp
	user current_user current_user_id session_user current_role current_schema current_catalog
	current_aws_account current_namespace current_session_arn`)

// knownFunctions are the functions of Redshift whose result depends on their arguments alone, and the keywords and types
// that a parenthesis can follow. AGE is none of them: with one argument it counts up to today. Nor is VERSION, which
// changes with a patch, or what asks a model.
var knownFunctions = wordSet(`
	all and any approximate as between both by case connect cube distinct else end escape except exists filter for from group
	grouping having ilike in intersect is join lateral leading like limit minus natural not of offset on only or order over
	partition pivot prior qualify rollup select sets similar some start then to top trailing union unpivot using values when
	where with within

	binary bigint bool boolean bpchar char character date dec decimal double float float4 float8 geography geometry hllsketch
	int int2 int4 int8 integer interval nchar numeric nvarchar precision real smallint super text time timestamp
	timestamptz timetz varbinary varbyte varchar varying zone

	any_value avg bit_and bit_or bool_and bool_or count grouping_id listagg max median min percentile_cont percentile_disc
	stddev stddev_pop stddev_samp sum var_pop var_samp variance

	cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank ratio_to_report row_number

	cast coalesce convert decode greatest least nullif nvl nvl2 text_to_int_alt text_to_numeric_alt to_char to_date to_number
	try_cast

	abs acos asin atan atan2 cbrt ceil ceiling cos cot degrees dexp dlog1 dlog10 exp floor ln log mod pi pow power radians
	round sign sin sqrt tan trunc width_bucket

	add_months convert_timezone date_add date_cmp date_cmp_timestamp date_cmp_timestamptz date_diff date_part date_part_year
	date_trunc dateadd datediff datepart extract from_unixtime interval_cmp isfinite last_day months_between next_day
	overlaps timestamp_cmp timestamp_cmp_date timestamp_cmp_timestamptz timestamptz_cmp timestamptz_cmp_date
	timestamptz_cmp_timestamp timezone to_timestamp

	ascii bpcharcmp bttext_pattern_cmp btrim char_length character_length charindex chr collate concat crc32 difference
	get_byte initcap left len length lower lpad ltrim octet_length octetindex overlay position quote_ident quote_literal
	regexp_count regexp_instr regexp_replace regexp_substr repeat replace replicate reverse right rpad rtrim set_bit set_byte
	soundex split_part strpos strtol substr substring textlen to_ascii translate trim upper

	checksum farmfingerprint64 farmhash64 fnv_hash func_sha1 md5 murmur3_32_hash sha sha1 sha2

	from_hex from_varbyte getbit to_hex to_varbyte

	can_json_parse is_valid_json is_valid_json_array json_array_length json_extract_array_element_text
	json_extract_path_text json_parse json_serialize json_serialize_to_varbyte

	array array_concat array_contains array_distinct array_except array_flatten array_intersection array_position
	array_positions array_sort array_to_string array_union arrays_overlap get_array_length split_to_array subarray

	get_number_attributes lower_attribute_names object object_transform upper_attribute_names

	decimal_precision decimal_scale is_array is_bigint is_boolean is_char is_decimal is_float is_integer is_object is_scalar
	is_smallint is_varchar json_size json_typeof size

	hll hll_cardinality hll_combine hll_combine_sketches hll_create_sketch

	addbbox dropbbox geometrytype h3_boundary h3_center h3_fromlonglat h3_frompoint h3_isvalid h3_polyfill h3_resolution
	h3_tochildren h3_toparent st_addpoint st_angle st_area st_asbinary st_asewkb st_asewkt st_asgeojson st_ashexewkb
	st_ashexwkb st_astext st_azimuth st_boundary st_buffer st_centroid st_collect st_contains st_containsproperly
	st_convexhull st_coveredby st_covers st_crosses st_dimension st_disjoint st_distance st_distance_sphere
	st_distancesphere st_dwithin st_endpoint st_envelope st_equals st_exteriorring st_force2d st_force3d st_force3dm
	st_force3dz st_force4d st_geogfromtext st_geogfromwkb st_geohash st_geometryn st_geometrytype st_geomfromewkb
	st_geomfromewkt st_geomfromgeohash st_geomfromgeojson st_geomfromgeosquare st_geomfromtext st_geomfromwkb st_geosquare
	st_interiorringn st_intersection st_intersects st_isclosed st_iscollection st_isempty st_ispolygonccw st_ispolygoncw
	st_isring st_issimple st_isvalid st_length st_length2d st_lengthsphere st_linefrommultipoint st_lineinterpolatepoint
	st_m st_makeenvelope st_makeline st_makepoint st_makepolygon st_memsize st_mmax st_mmin st_multi st_ndims st_npoints
	st_nrings st_numgeometries st_numinteriorrings st_numpoints st_overlaps st_perimeter st_perimeter2d st_point st_pointn
	st_points st_polygon st_removepoint st_reverse st_scale st_setpoint st_setsrid st_simplify st_srid st_startpoint
	st_touches st_transform st_translate st_union st_within st_x st_xmax st_xmin st_y st_ymax st_ymin st_z st_zmax st_zmin
	supportsbbox

	current_database`)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}
