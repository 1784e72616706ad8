package redshift_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/redshift/session"
)

// Whatever SQLSTATE the other side gives its error, and by whichever way it comes: it is told whose it is, and what to do.
func TestExplain_NamesTheAuthorOfEveryError(t *testing.T) {
	t.Parallel()
	codes := strings.Fields(`
		XX000 XX001 22P02 22007 22012 22003 22021 2200H 42704 42P02 42P01 42601 42703 42P18 42725 0A000 21000 23505 25001 25P02
		26000 34000 38000 39000 3D000 3F000 40001 40P01 53200 53300 53400 54001 54023 55000 55P03 57014 57P01 58030 08006 08P01
		0L000 0LP01 28000 28P01 2F003 F0000 HV000 P0001 00000 01000 02000 99999 ?????`)
	for _, code := range append(codes, "") {
		said := pgconn.PgError{Severity: "ERROR", Code: code, Message: "no such luck", Hint: "do as I say"}
		relayed := said
		relayed.File, relayed.Routine = "dblink.c", "dblink_res_error"
		for way, err := range map[string]error{"dblink": &relayed, "stream": &session.Failure{Err: &said}} {
			what, hint := redshift.Explain(fmt.Errorf("read: %w", err))
			theirs := strings.Contains(what, "Redshift") || strings.Contains(what, "the link")
			if !theirs || strings.Contains(what, "cache database") || hint == "" || strings.Contains(hint, "do as I say") {
				t.Errorf("SQLSTATE %q by %s: %q, %q", code, way, what, hint)
			}
			linktest.Contains(t, what, "no such luck")
			linktest.Contains(t, what, "(a hint of Redshift: do as I say)")
		}
		what, hint := redshift.Explain(&said)
		if code != "" && (strings.Contains(what, "Redshift") || !strings.Contains(what, "cache database")) || hint == "" {
			t.Errorf("SQLSTATE %q of the cache database: %q, %q", code, what, hint)
		}
	}
}

// One SQLSTATE says that a row cannot be changed, and that a database lets nobody in.
func TestExplain_TellsAClosedDatabaseFromAReplicaIdentity(t *testing.T) {
	t.Parallel()
	what, hint := redshift.Explain(&pgconn.PgError{Severity: "FATAL", Code: "55000", Message: `database "app" is not currently accepting connections`})
	linktest.Contains(t, what, "the cache database lets nobody in: ")
	linktest.Contains(t, hint, "ALLOW_CONNECTIONS true")
	_, hint = redshift.Explain(&pgconn.PgError{Severity: "ERROR", Code: "55000", Message: "cannot delete from table"})
	linktest.Contains(t, hint, "replica identity")
}

// A function that somebody wrote is to blame for what it raises, and not for what PostgreSQL's planner refuses.
func TestExplain_TellsAFunctionFromThePlanner(t *testing.T) {
	t.Parallel()
	for file, blamed := range map[string]bool{"pl_exec.c": true, "plperl.c": true, "plpy_elog.c": true, "plancache.c": false, "planner.c": false, "tablecmds.c": false} {
		what, _ := redshift.Explain(&pgconn.PgError{Severity: "ERROR", Code: "0A000", Message: "no", File: file})
		if strings.Contains(what, "a trigger or a function") != blamed {
			t.Errorf("%s: %s", file, what)
		}
	}
}

// What a row or a literal is to blame for is no mistake of syntax, with a SQLSTATE or, as Redshift likes it, without.
func TestExplain_TellsABadValueFromBadSQL(t *testing.T) {
	t.Parallel()
	for _, said := range []pgconn.PgError{
		{Code: "22012", Message: "division by zero"},
		{Code: "22P02", Message: `invalid input syntax for type integer: "x"`},
		{Code: "22008", Message: "date/time field value out of range"},
		{Code: "XX000", Message: "Invalid digit, Value 'x', Pos 0, Type: Integer", Detail: "error: Invalid digit\n code:  1207"},
		{Code: "XX000", Message: "Divide by zero."},
		{Code: "XX000", Message: "Numeric data overflow (result precision)", Detail: "code: 1058"},
		{Code: "XX000", Message: "Value too long for character type"},
		{Code: "21000", Message: "more than one row returned by a subquery used as an expression"},
	} {
		what, hint := redshift.Explain(&session.Failure{Err: &said})
		linktest.Contains(t, what, "Redshift cannot compute what the query asks for")
		if strings.Contains(hint, "mistake") || hint == "" {
			t.Errorf("%s: %s", said.Message, hint)
		}
	}
	for _, said := range []pgconn.PgError{
		{Code: "42601", Message: "syntax error"},
		{Code: "42704", Message: `type "nosuch" does not exist`},
		{Code: "42804", Message: "UNION types"},
		{Code: "42P10", Message: "SELECT DISTINCT, ORDER BY"},
	} {
		what, hint := redshift.Explain(&session.Failure{Err: &said})
		linktest.Contains(t, what, "Redshift refuses the query")
		linktest.Contains(t, hint, "query editor")
	}
	_, hint := redshift.Explain(&session.Failure{Err: &pgconn.PgError{Code: "42P02", Message: "there is no parameter $1"}})
	linktest.Contains(t, hint, "write them into the query")
	if _, hint = redshift.Explain(errors.New("anything")); hint != "" {
		t.Errorf("a hint on an error of nobody's: %s", hint)
	}
}

// What is known of errors stands at their beginning: however long a remote goes on, nobody reads all of it for each thing
// that it might be.
func TestExplain_ReadsTheBeginningOnly(t *testing.T) {
	t.Parallel()
	const known = "recursive cte in subquery"
	short := pgconn.PgError{Code: "99999", Message: known, File: "dblink.c", Routine: "dblink_res_error"}
	told, hint := redshift.Explain(&short)
	for name, err := range map[string]pgconn.PgError{
		"at the beginning": {Message: known + strings.Repeat(" and on", 1<<20)},
		"at the end":       {Message: strings.Repeat("on and ", 1<<20) + known},
	} {
		err.Code, err.File, err.Routine = short.Code, short.File, short.Routine
		_, got := redshift.Explain(&err)
		if recognised := got == hint; recognised != (name == "at the beginning") {
			t.Errorf("%s: recognised is %v, the hint is %q; alone it is told as %q, %q", name, recognised, got, told, hint)
		}
	}
}
