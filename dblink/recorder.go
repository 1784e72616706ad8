package dblink

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
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

// CheckRecorders returns ErrPasswordExposed for the first setting that would record a nested statement.
func CheckRecorders(ctx context.Context, q Querier) error {
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
			return &exposedError{fmt.Sprintf("%s is %q", r.setting, values[i]), r.remedy}
		}
	}
	return nil
}

// exposedError is an ErrPasswordExposed that knows the way out.
type exposedError struct{ why, remedy string }

func (e *exposedError) Error() string { return ErrPasswordExposed.Error() + ": " + e.why }

func (e *exposedError) Unwrap() error { return ErrPasswordExposed }

func (e *exposedError) Hint() string {
	return "Have a superuser (on RDS and Aurora: a member of rds_superuser) run, for this role: " + e.remedy +
		"; then connect again."
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
