package redshiftsim

import "strings"

// missingFunctions do not exist on Redshift. The rewrite makes the engine look for them where they are not, so that the
// engine itself reports them with the types of their arguments.
var missingFunctions = namesOf(`
	pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared
	pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared
	pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared

	string_agg array_agg every corr covar_pop covar_samp regr_avgx regr_avgy regr_count regr_intercept regr_r2
	regr_slope regr_sxx regr_sxy regr_syy json_agg json_object_agg xmlagg mode

	pg_relation_size pg_total_relation_size pg_table_size pg_indexes_size pg_database_size pg_tablespace_size
	pg_column_size pg_size_pretty

	pg_sleep pg_sleep_for pg_sleep_until clock_timestamp transaction_timestamp statement_timestamp justify_days
	justify_hours justify_interval make_date make_time make_timestamp make_timestamptz make_interval

	div width_bucket generate_subscripts unnest array_position array_positions array_length array_upper
	array_lower array_append array_prepend array_cat array_remove array_replace array_to_string string_to_array
	cardinality

	bit_length convert convert_from convert_to encode format quote_nullable regexp_matches regexp_match
	regexp_split_to_array regexp_split_to_table concat_ws starts_with normalize gen_random_uuid
	num_nonnulls num_nulls

	nextval currval setval lastval txid_current txid_current_snapshot pg_current_xact_id pg_current_snapshot
	pg_snapshot_xmin current_query inet_client_addr inet_client_port inet_server_addr inet_server_port
	pg_is_in_recovery pg_postmaster_start_time pg_conf_load_time pg_get_keywords pg_blocking_pids pg_notify
	pg_export_snapshot pg_read_file to_regclass to_regtype pg_typeof pg_input_is_valid

	to_json to_jsonb row_to_json array_to_json json_build_array json_build_object json_object json_each
	json_each_text json_array_elements json_array_elements_text json_object_keys json_populate_record
	json_populate_recordset json_to_record json_to_recordset json_strip_nulls jsonb_build_array jsonb_build_object
	jsonb_object jsonb_agg jsonb_object_agg jsonb_each jsonb_each_text jsonb_array_elements
	jsonb_array_elements_text jsonb_array_length jsonb_object_keys jsonb_extract_path jsonb_extract_path_text
	jsonb_set jsonb_insert jsonb_pretty jsonb_strip_nulls jsonb_typeof jsonb_path_query jsonb_path_exists
	jsonb_populate_record jsonb_to_record jsonb_to_recordset query_to_xml xpath

	hashtext hashtextextended sha224 sha256 sha384 sha512`)

// missingRelations are catalogs that came after 8.0.
var missingRelations = namesOf(`
	pg_enum pg_extension pg_matviews pg_collation pg_range pg_foreign_server pg_foreign_table pg_stat_statements
	pg_sequences pg_roles pg_authid pg_policies pg_publication pg_available_extensions pg_cursors
	pg_prepared_statements pg_timezone_names pg_user_mappings`)

func namesOf(text string) map[string]bool {
	names := map[string]bool{}
	for name := range strings.FieldsSeq(text) {
		names[name] = true
	}
	return names
}

// missingCalls are calls and the signatures that the engine has to miss.
var missingCalls = []struct{ name, example, signature string }{
	{"string_agg", `SELECT string_agg(name, ',') FROM tickit_example`, `string_agg(character varying, "unknown")`},
	{"array_agg", `SELECT array_agg(id) FROM tickit_example`, `array_agg(integer)`},
	{"pg_sleep", `SELECT pg_sleep(1)`, `pg_sleep(integer)`},
	{"clock_timestamp", `SELECT clock_timestamp()`, `clock_timestamp()`},
	{"transaction_timestamp", `SELECT transaction_timestamp()`, `transaction_timestamp()`},
	{"pg_relation_size", `SELECT pg_catalog.pg_relation_size('pg_class'::pg_catalog.regclass)`, `pg_relation_size(regclass)`},
	{"encode", `SELECT encode(name, 'hex') FROM tickit_example`, `encode(character varying, "unknown")`},
	{"format", `SELECT format('%s', 1)`, `format("unknown", integer)`},
	{"regexp_matches", `SELECT regexp_matches('a', 'b')`, `regexp_matches("unknown", "unknown")`},
	{"txid_current", `SELECT txid_current()`, `txid_current()`},
	{"current_query", `SELECT current_query()`, `current_query()`},
	{"pg_is_in_recovery", `SELECT pg_catalog.pg_is_in_recovery()`, `pg_is_in_recovery()`},
	{"inet_server_addr", `SELECT inet_server_addr()`, `inet_server_addr()`},
	{"nextval", `SELECT nextval('s')`, `nextval("unknown")`},
	{"to_json", `SELECT to_json(1)`, `to_json(integer)`},
}

// missingRefusals are examples of what is missing.
func missingRefusals() []Refusal {
	refusals := []Refusal{
		{
			Name: "advisory lock", Example: `SELECT pg_try_advisory_lock('1')`, Code: "42883",
			Message: `function pg_try_advisory_lock("unknown") does not exist`, Source: "4",
		},
		{
			Name: "qualified advisory lock", Example: `SELECT pg_catalog.pg_advisory_xact_lock(1, 2)`, Code: "42883",
			Message: `function pg_advisory_xact_lock(integer, integer) does not exist`, Source: "4",
		},
		{
			Name: "jsonb function", Example: `SELECT jsonb_build_object('a', 'b')`, Code: "42883",
			Message: `function jsonb_build_object("unknown", "unknown") does not exist`, Source: "4",
		},
		{
			Name: "missing catalog", Example: `SELECT 1 FROM pg_enum`, Code: "42P01",
			Message: `relation "pg_enum" does not exist`, Source: "4",
		},
		{
			Name: "qualified missing catalog", Example: `SELECT 1 FROM pg_catalog.pg_extension`, Code: "42P01",
			Message: `relation "pg_extension" does not exist`, Source: "4",
		},
		{
			Name: "pg_get_keywords", Example: `SELECT 1 FROM pg_get_keywords()`, Code: "42883",
			Message: `function pg_get_keywords() does not exist`, Source: "4",
		},
	}
	for _, call := range missingCalls {
		refusals = append(refusals, Refusal{
			Name: call.name, Example: call.example, Code: "42883",
			Message: "function " + call.signature + " does not exist", Source: "4", Believed: true,
		})
	}
	for _, name := range []string{"uuid", "json", "jsonb", "inet", "xml", "bytea", "money"} {
		refusals = append(refusals, Refusal{
			Name: "type " + name, Example: `SELECT name::` + name + ` FROM tickit_example`, Code: "42704",
			Message: `type "` + name + `" does not exist`, Source: "4", Believed: true,
		})
	}
	return refusals
}
