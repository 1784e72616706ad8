package redshiftsim

import (
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"
)

// EngineError is an error as the stand-in sends it.
type EngineError struct {
	Code    string // SQLSTATE
	Message string
	Detail  string
	Hint    string
	Infos   []string // INFO messages that come before the error
}

// Error says SQLSTATE and text; an EngineError can stand in for an error in tests.
func (e EngineError) Error() string { return e.Message + " (SQLSTATE " + e.Code + ")" }

// RelationVanished is error 1018: the table was dropped or swapped after the snapshot was taken.
func RelationVanished() EngineError {
	return internalError("1018", "Relation does not exist.", 1018)
}

// SerializationFailure is error 1023: two transactions that cannot both have been first.
func SerializationFailure(table int) EngineError {
	return internalError("1023", fmt.Sprintf("Serializable isolation violation on table - %d, "+
		"transactions forming the cycle are: 323, 324 (pid:1234)", table), 1023)
}

// SystemAbort is error 1020: the workload manager, an operator or maintenance ended the query.
func SystemAbort() EngineError {
	return internalError("abort query", "system requested abort", 1020)
}

// DiskFull is error 1016; its text is believed, not documented.
func DiskFull() EngineError { return internalError("Disk Full", "node: 1", 1016) }

// RuleAbort is what a query monitoring rule does to a query.
func RuleAbort(rule string) EngineError {
	return EngineError{Code: "XX000", Message: "Query (150) cancelled by WLM abort action of Query Monitoring Rule \"" +
		rule + "\"."}
}

// internalError has the block of details that the engine's own errors carry; SQLSTATE says nothing about them.
func internalError(message, context string, code int) EngineError {
	const line = "  -----------------------------------------------\n"
	return EngineError{Code: "XX000", Message: message, Detail: fmt.Sprintf("\n"+line+
		"  error:  %s\n  code:      %d\n  context:   %s\n  query:     150\n  location:  xact.cpp:117\n"+
		"  process:   padbmaster [pid=1234]\n"+line, message, code, context)}
}

func (e EngineError) response(severity string) *pgproto3.ErrorResponse {
	return &pgproto3.ErrorResponse{
		Severity: severity, Code: e.Code, Message: e.Message, Detail: e.Detail, Hint: e.Hint,
	}
}

func syntaxErrorAt(word string) EngineError {
	return EngineError{Code: "42601", Message: `syntax error at or near "` + word + `"`}
}

func unsupported(text string) EngineError { return EngineError{Code: "0A000", Message: text} }
