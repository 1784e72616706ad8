package infra

import (
	"fmt"
	"strings"
)

// Pin is a setting that is the same in every transaction of ours, whatever server, database, role and URL say.
type Pin struct{ Name, Value string }

// Pins returns the settings that change what a statement means, or whether it is let through, with the values that all
// of our transactions have. They are the only place where such a setting is chosen; [Limits] adds how long things may
// take, and [InTx] the isolation, and that a transaction may write.
//
// Not here is what changes only how fast or where something is done (the planner's costs, memory, parallelism,
// tablespaces, access methods, compression, synchronous_commit, ANALYZE's settings), what nothing of ours
// reads or makes (lc_monetary, lc_numeric, lc_time, text search, XML, the bodies of functions), and the role, by which operators choose who owns the cache.
// What makes a statement of seconds take hours, while locks are held, is here all the same.
// What only a superuser may set cannot be pinned: `cachectl doctor` looks at it.
func Pins() []Pin {
	return []Pin{
		{"search_path", "pg_catalog, pg_temp"}, // the first of all, see pinSQL; pg_temp last, or it would come first
		// How texts become values, and values texts.
		{"client_encoding", "UTF8"},
		{"DateStyle", "ISO, MDY"},
		{"IntervalStyle", "postgres"},
		{"TimeZone", "UTC"},
		{"timezone_abbreviations", "Default"},
		{"extra_float_digits", "1"}, // exact, and no longer than it takes
		{"bytea_output", "hex"},
		{"array_nulls", "on"},
		// How statements are read.
		{"standard_conforming_strings", "on"},
		{"backslash_quote", "safe_encoding"},
		{"transform_null_equals", "off"},
		{"quote_all_identifiers", "off"}, // REFRESH … CONCURRENTLY cannot live with it
		// What is let through.
		{"row_security", "on"},
		{"restrict_nonsystem_relation_kind", ""}, // since the minor releases of August 2024
		{"exit_on_error", "off"},
		{"client_min_messages", "warning"},
		{"transaction_timeout", "0"}, // since 17; every statement and every pause has a limit of its own
		// What holds locks for much longer than the work takes. To a planner that may not scan, all is dear enough to be compiled;
		// one that may not sort or hash compares each row with each; and an ANALYZE that rests keeps a REFRESH's lock.
		{"jit", "off"},
		{"enable_seqscan", "on"},
		{"enable_indexscan", "on"},
		{"enable_bitmapscan", "on"},
		{"enable_sort", "on"},
		{"enable_hashagg", "on"},
		{"enable_hashjoin", "on"},
		{"enable_mergejoin", "on"},
		{"enable_nestloop", "on"},
		{"vacuum_cost_delay", "0"},
	}
}

// pinSQL returns the statements that pin settings for the rest of the transaction. The first one, which is for the first
// setting, makes the names in the second mean what they say. A setting that this server does not know, or that is as it
// should be, is left alone. All values are numbers or constants; nothing of a user's is ever part of this text.
func pinSQL(pins []Pin) string {
	list := make([]string, len(pins))
	for i, p := range pins {
		list[i] = fmt.Sprintf("('%s', '%s')", p.Name, p.Value)
	}
	return "SET LOCAL " + pins[0].Name + " = " + pins[0].Value + "; " +
		"SELECT set_config(p.name, p.value, true) FROM (VALUES " + strings.Join(list, ", ") + ") AS p (name, value) " +
		"WHERE current_setting(p.name, true) <> p.value " +
		// Servers on other systems than Linux may refuse this one.
		"AND (p.name <> 'client_connection_check_interval' OR version() LIKE '%linux%')"
}
