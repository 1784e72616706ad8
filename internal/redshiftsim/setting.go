package redshiftsim

import (
	"strconv"
	"strings"
)

// ownPrefix is where the engine keeps the settings that Postgres does not know: as custom settings with this prefix.
const ownPrefix = "redshift."

// ownSettings are Redshift's own settings with their defaults.
var ownSettings = map[string]string{
	"analyze_threshold_percent": "10", "cast_super_null_on_error": "off", "describe_field_name_in_uppercase": "off",
	"downcase_delimited_identifier": "on", "enable_case_sensitive_identifier": "off",
	"enable_case_sensitive_super_attribute": "off", "enable_numeric_rounding": "off",
	"enable_result_cache_for_session": "on", "enable_vacuum_boost": "off", "error_on_nondeterministic_update": "off",
	"json_serialization_enable": "off", "json_serialization_parse_nested_strings": "off",
	"max_cursor_result_set_size": "default", "mv_enable_aqmv_for_session": "on", "navigate_super_null_on_error": "on",
	"parse_super_null_on_error": "off", "query_group": "unset", "server_version": "8.0.2",
	"spectrum_query_maxerror": "-1", "stored_proc_log_min_messages": "LOG", "wlm_query_slot_count": "1",
}

// sharedSettings are those of 8.0 that Redshift has and the engine can take as they are.
var sharedSettings = map[string]bool{
	"application_name": true, "client_encoding": true, "client_min_messages": true, "datestyle": true,
	"default_transaction_isolation": true, "default_transaction_read_only": true, "extra_float_digits": true,
	"search_path": true, "session_authorization": true, "statement_timeout": true, "timezone": true,
	"transaction_isolation": true, "transaction_read_only": true,
}

// readOnlySettings can only be shown.
var readOnlySettings = map[string]bool{
	"server_version": true, "server_encoding": true, "is_superuser": true, "integer_datetimes": true,
}

// deniedSettings exist, and ordinary users may not set them.
var deniedSettings = map[string]bool{"lc_monetary": true, "lc_messages": true, "lc_numeric": true, "lc_time": true}

// clientOnly are startup parameters of Amazon's drivers that say something about the client.
var clientOnly = map[string]bool{
	"user": true, "database": true, "options": true, "replication": true, "driver_version": true, "os_version": true,
	"plugin_name": true, "client_protocol_version": true, "driver_discovery_version": true, "_pq_.compression": true,
}

// checkSetting refuses what Redshift refuses to be set to a value, and returns nil for the rest.
func checkSetting(name, value string) *EngineError {
	folded := strings.ToLower(name)
	_, own := ownSettings[folded]
	switch {
	case deniedSettings[folded]:
		return &EngineError{Code: "42501", Message: `permission denied to set parameter "` + name + `" to "` + value + `"`}
	case readOnlySettings[folded]:
		return &EngineError{Code: "55P02", Message: `parameter "` + name + `" cannot be changed`}
	case !own && !sharedSettings[folded]:
		return unknownSetting(name)
	case strings.EqualFold(value, "default"):
		return nil
	case folded == "extra_float_digits":
		return checkFloatDigits(value)
	case folded == "statement_timeout":
		if _, err := strconv.Atoi(value); err != nil {
			return &EngineError{Code: "22023", Message: `parameter "statement_timeout" requires an integer value`}
		}
	}
	return nil
}

func checkFloatDigits(value string) *EngineError {
	if n, err := strconv.Atoi(value); err == nil && (n < -15 || n > 2) {
		return &EngineError{
			Code:    "22023",
			Message: value + ` is outside the valid range for parameter "extra_float_digits" (-15 .. 2)`,
		}
	}
	return nil
}

func unknownSetting(name string) *EngineError {
	return &EngineError{Code: "42704", Message: `unrecognized configuration parameter "` + name + `"`}
}

// startupSettings turns the parameters of a startup packet into those of the engine's session.
func startupSettings(parameters map[string]string) (map[string]string, *EngineError) {
	settings := map[string]string{
		"standard_conforming_strings": "off", "escape_string_warning": "off", "backslash_quote": "on",
		"client_encoding": "UTF8", "datestyle": "ISO, MDY", "intervalstyle": "postgres", "timezone": "UTC",
		"extra_float_digits": "0", "jit": "off",
	}
	for name, value := range ownSettings {
		settings[ownPrefix+name] = value
	}
	asked := splitOptions(parameters["options"])
	for name, value := range parameters {
		asked[name] = value
	}
	for name, value := range asked {
		if clientOnly[strings.ToLower(name)] {
			continue
		}
		if refusal := checkSetting(name, value); refusal != nil {
			if strings.EqualFold(name, "intervalstyle") {
				refusal.Message = `Unrecognized configuration parameter "` + name + `"`
			}
			return nil, refusal
		}
		folded := strings.ToLower(name)
		if _, own := ownSettings[folded]; own {
			folded = ownPrefix + folded
		}
		if folded == "client_encoding" && strings.EqualFold(value, "unicode") {
			value = "UTF8"
		}
		settings[folded] = value
	}
	return settings, nil
}

// splitOptions reads "-c name=value --name=value", where a backslash protects a space.
func splitOptions(text string) map[string]string {
	settings := map[string]string{}
	const space = "\x00"
	for word := range strings.FieldsSeq(strings.ReplaceAll(text, `\ `, space)) {
		word = strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(word, "-c"), "--"), space, " ")
		if name, value, ok := strings.Cut(word, "="); ok {
			settings[name] = value
		}
	}
	return settings
}
