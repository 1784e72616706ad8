package redshiftsim

import (
	"slices"
	"strings"
)

// settingRefusals are settings that Redshift does not have, or not with that value.
func settingRefusals() []Refusal {
	refusals := []Refusal{
		{
			Name: "extra_float_digits 3", Example: `SET extra_float_digits = 3`, Code: "22023",
			Message: `3 is outside the valid range for parameter "extra_float_digits" (-15 .. 2)`, Source: "1b",
			match: setRefused,
		},
		{
			Name: "lc_monetary", Example: `SET lc_monetary TO 'C'`, Code: "42501",
			Message: `permission denied to set parameter "lc_monetary" to "C"`, Source: "1b",
		},
		{
			Name: "statement_timeout with a unit", Example: `SET statement_timeout TO '30s'`, Code: "22023",
			Message: `parameter "statement_timeout" requires an integer value`, Source: "1b", Believed: true,
		},
		{
			Name: "showing a setting that is not there", Example: `SHOW lock_timeout`, Code: "42704",
			Message: `unrecognized configuration parameter "lock_timeout"`, Source: "1b", match: showRefused,
		},
		{
			Name: "reading a setting that is not there", Example: `SELECT current_setting('lock_timeout')`, Code: "42704",
			Message: `unrecognized configuration parameter "lock_timeout"`, Source: "1b", Believed: true,
			match: settingCallRefused,
		},
	}
	for _, name := range []string{
		"standard_conforming_strings", "IntervalStyle", "lock_timeout", "idle_in_transaction_session_timeout",
		"bytea_output", "default_transaction_deferrable", "no_such_setting",
	} {
		refusals = append(refusals, Refusal{
			Name: "SET " + name, Example: "SET " + name + " TO on", Code: "42704",
			Message: `unrecognized configuration parameter "` + name + `"`, Source: "1b",
			Believed: name == "IntervalStyle",
		})
	}
	return refusals
}

// assignment reads SET [SESSION | LOCAL] name {TO | =} value. name is the index of the name; ok is false for other
// commands, and for the forms of SET that have a grammar of their own.
func (st *statement) assignment() (name int, value string, ok bool) {
	if st.word(0) != "set" {
		return 0, "", false
	}
	name = 1
	if (st.word(1) == "session" || st.word(1) == "local") && st.word(2) != "authorization" {
		name = 2
	}
	after := name + 1
	for st.sign(after) == "." && st.isName(after+1) {
		after += 2
	}
	if !st.isName(name) || st.word(after) != "to" && st.sign(after) != "=" || after+1 >= len(st.tokens) {
		return 0, "", false
	}
	value = st.tokens[after+1].word
	if after+2 < len(st.tokens) {
		value = st.sql[st.tokens[after+1].start:st.end()]
	}
	return name, value, true
}

func setRefused(st *statement) *EngineError {
	name, value, ok := st.assignment()
	if !ok || st.sign(name+1) == "." {
		return nil // names with a dot are a session's own variables
	}
	return checkSetting(strings.Trim(st.original(name), `"`), value)
}

// shown are the words after SHOW that do not name a setting.
var shown = []string{
	"all", "tables", "columns", "schemas", "databases", "grants", "view", "table", "procedure", "external", "time",
	"transaction", "session",
}

func showRefused(st *statement) *EngineError {
	if st.word(0) != "show" && st.word(0) != "reset" || !st.isName(1) || slices.Contains(shown, st.word(1)) ||
		st.sign(2) == "." {
		return nil
	}
	return checkName(st.original(1))
}

func settingCallRefused(st *statement) *EngineError {
	for i := range st.tokens {
		kind, ok := st.kind(i + 2)
		if !ok || kind != stringToken || !st.calls(i) {
			continue
		}
		name := st.tokens[i+2].word
		switch st.word(i) {
		case "current_setting":
			return checkName(name)
		case "set_config":
			if kind, ok := st.kind(i + 4); ok && kind == stringToken && !strings.Contains(name, ".") {
				return checkSetting(name, st.tokens[i+4].word)
			}
		}
	}
	return nil
}

// checkName refuses settings that cannot be read.
func checkName(name string) *EngineError {
	folded := fold(name)
	_, own := ownSettings[folded]
	if own || sharedSettings[folded] || readOnlySettings[folded] || deniedSettings[folded] || strings.Contains(name, ".") {
		return nil
	}
	return unknownSetting(name)
}
