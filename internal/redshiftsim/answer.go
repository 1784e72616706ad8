package redshiftsim

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// refusalRelation names a relation that no engine has. A statement that must be refused is replaced by one that reads
// it, so that the engine itself puts the error where it belongs: in the order of a pipeline, in the state of a
// transaction, after the statements before it. The error is then exchanged for the one that Redshift gives.
const refusalRelation = "redshiftsim refusal "

// provoke returns a statement that ends in the error.
func (ses *session) provoke(e EngineError) string {
	ses.mu.Lock()
	defer ses.mu.Unlock()
	ses.refused++
	name := fmt.Sprint(refusalRelation, ses.refused)
	ses.refusals[name] = e
	return `SELECT FROM "` + name + `"`
}

// refusal takes the error that a provoked one stands for.
func (ses *session) refusal(message string) (EngineError, bool) {
	_, rest, _ := strings.Cut(message, `"`)
	name, _, _ := strings.Cut(rest, `"`)
	ses.mu.Lock()
	defer ses.mu.Unlock()
	e, ok := ses.refusals[name]
	delete(ses.refusals, name)
	return e, ok
}

// exchange turns an error of the engine into the messages that Redshift sends.
func (ses *session) exchange(message *pgproto3.ErrorResponse) []pgproto3.BackendMessage {
	if message.Code == "42P01" {
		if e, ok := ses.refusal(message.Message); ok {
			var messages []pgproto3.BackendMessage
			for _, info := range e.Infos {
				messages = append(messages, (*pgproto3.NoticeResponse)(
					EngineError{Code: "00000", Message: info}.response("INFO")))
			}
			return append(messages, e.response("ERROR"))
		}
	}
	if e := ses.aborted; e != nil {
		ses.aborted = nil
		return []pgproto3.BackendMessage{e.response("ERROR")}
	}
	translated := plain(message)
	if strings.HasPrefix(message.Message, "cross-database references are not implemented") {
		translated = lackOf("tables of other databases").response("ERROR")
	}
	if isConversionOfUnknown(message) {
		translated = EngineError{Code: "XX000", Message: unknownMessage}.response("ERROR")
	}
	for _, r := range rewordings {
		translated.Message = r.pattern.ReplaceAllString(translated.Message, r.text)
	}
	translated.Message = ses.server.names.restore(translated.Message)
	if message.Code == "57014" {
		translated.Message = ses.cancelText()
	}
	return []pgproto3.BackendMessage{translated}
}

// cancelText is the text for cancel requests and for statement_timeout alike.
func (ses *session) cancelText() string {
	return fmt.Sprintf("Query (%d) canceled on user's request", 100+ses.id)
}

// rewordings turn the texts of a modern engine into those of 8.0.
var rewordings = []struct {
	pattern *regexp.Regexp
	text    string
}{
	{
		regexp.MustCompile(`^permission denied for (table|view|materialized view|sequence) `),
		"permission denied for relation ",
	},
	{regexp.MustCompile(`(function |relation "|type ")redshift\.`), "$1"},
	{regexp.MustCompile(`^unrecognized configuration parameter "redshift\.`), `unrecognized configuration parameter "`},
	{regexp.MustCompile(`([(, ])unknown([,)])`), `$1"unknown"$2`},
	{
		regexp.MustCompile(`^DECLARE CURSOR can only be used in transaction blocks$`),
		"cursors can only be used within the transaction that created them",
	},
}

// plain keeps of an error what 8.0 knows of. The position is that in the rewritten text: see placeIn.
func plain(message *pgproto3.ErrorResponse) *pgproto3.ErrorResponse {
	return &pgproto3.ErrorResponse{
		Severity: message.Severity, Code: message.Code, Message: message.Message,
		Detail: message.Detail, Hint: message.Hint,
	}
}

const codeSyntax = "42601"

// placeIn is the position, in characters, in what a client has sent of one in what the engine got: where both begin alike, or
// end alike. Of any other there is none.
func placeIn(asked, sent string, position int32) int32 {
	from, to := []rune(asked), []rune(sent)
	at := int(position) - 1
	if at < 0 || at > len(to) {
		return 0
	}
	same := 0
	for same < at && same < len(from) && from[same] == to[same] {
		same++
	}
	if same == at && (at == len(to) || at < len(from) && from[at] == to[at]) {
		return position
	}
	behind := len(to) - at
	if behind > len(from) || string(from[len(from)-behind:]) != string(to[at:]) {
		return 0
	}
	return int32(len(from) - behind + 1)
}
