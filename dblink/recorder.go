package dblink

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/sql"
)

// recorder is a setting with which a server keeps the text of nested statements.
type recorder struct {
	setting string
	records func(value string) bool
	remedy  string
}

// recorders are all that is known. A server prints the text of a nested statement as the context of any message that
// it logs meanwhile, so whatever makes it log more than warnings counts.
var recorders = []recorder{
	{"log_min_messages", isDebug, "ALTER ROLE … SET log_min_messages = 'warning'"},
	{"log_parser_stats", isOn, "ALTER ROLE … SET log_parser_stats = off"},
	{"debug_print_parse", isOn, "ALTER ROLE … SET debug_print_parse = off"},
	{"debug_print_rewritten", isOn, "ALTER ROLE … SET debug_print_rewritten = off"},
	{"debug_print_plan", isOn, "ALTER ROLE … SET debug_print_plan = off"},
	{"pg_stat_statements.track", isAll, "ALTER ROLE … SET pg_stat_statements.track = 'top'"},
	{"pgaudit.log", recordsDDL, "ALTER ROLE … SET pgaudit.log = 'none'"},
}

// CheckRecorders returns ErrPasswordExposed for the first setting, or event trigger, that would record a nested statement.
func CheckRecorders(ctx context.Context, q Querier) error {
	if err := checkSettings(ctx, q); err != nil {
		return err
	}
	return checkEventTriggers(ctx, q)
}

func checkSettings(ctx context.Context, q Querier) error {
	names := make([]string, len(recorders))
	for i, r := range recorders {
		names[i] = r.setting
	}
	rows, err := q.Query(ctx, `
		SELECT coalesce(pg_catalog.current_setting(name, true), '')
		FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
		ORDER BY place`, names)
	if err != nil {
		return err
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for i, r := range recorders {
		if r.records(strings.ToLower(values[i])) {
			return &exposedError{fmt.Sprintf("%s is %q", r.setting, values[i]), "run, for this role: " + r.remedy + "; then connect again"}
		}
	}
	return nil
}

// checkEventTriggers looks for one that fires for user mappings: whatever its function tells the log, the server adds the text of
// the statement that it fires for. Those of extensions are trusted to say nothing: of pgaudit the setting is looked at.
func checkEventTriggers(ctx context.Context, q Querier) error {
	var name string
	err := q.QueryRow(ctx, `
		SELECT e.evtname
		FROM pg_catalog.pg_event_trigger e
		WHERE e.evtevent IN ('ddl_command_start', 'ddl_command_end') AND e.evtenabled IN ('O', 'A')
		  AND (e.evttags IS NULL OR e.evttags OPERATOR(pg_catalog.&&) ARRAY['CREATE USER MAPPING', 'ALTER USER MAPPING'])
		  AND NOT EXISTS (
		      SELECT FROM pg_catalog.pg_depend d
		      WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = e.evtfoid AND d.deptype = 'e')
		ORDER BY e.evtname
		LIMIT 1`).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	trigger := sql.Ident(name)
	return &exposedError{
		"event trigger " + trigger + " fires for user mappings, and what it tells the log comes with the statement",
		"run: ALTER EVENT TRIGGER " + trigger + " DISABLE; or make it again, WHEN TAG IN (…) that has neither CREATE USER MAPPING nor " +
			"ALTER USER MAPPING",
	}
}

// exposedError is an ErrPasswordExposed that knows the way out.
type exposedError struct{ why, remedy string }

func (e *exposedError) Error() string { return ErrPasswordExposed.Error() + ": " + e.why }

func (e *exposedError) Unwrap() error { return ErrPasswordExposed }

func (e *exposedError) Hint() string {
	return "Have a superuser (on RDS and Aurora: a member of rds_superuser) " + e.remedy + "."
}

func isDebug(value string) bool { return strings.HasPrefix(value, "debug") }

func isOn(value string) bool { return value == "on" }

func isAll(value string) bool { return value == "all" }

// recordsDDL reads a value of pgaudit.log, in which a later class wins: "all, -ddl". Until 2023 pgaudit showed the
// password of a user mapping, and its version cannot be asked.
func recordsDDL(value string) (records bool) {
	for class := range strings.SplitSeq(value, ",") {
		switch strings.TrimSpace(class) {
		case "all", "ddl":
			records = true
		case "none", "-all", "-ddl":
			records = false
		}
	}
	return records
}
