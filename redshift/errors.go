package redshift

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Class says what can help after a failure.
type Class int

const (
	// Never means that the same attempt would fail again: somebody has to change something.
	Never Class = iota
	// Reconnect means that a connection broke or could not be made: try again on a new one, after a while.
	Reconnect
	// RetryTransaction means that the transaction met another one: run it again.
	RetryTransaction
	// Backoff means that the other side is short of something for now: try again a few times, ever later.
	Backoff
	// Credentials means that the login was refused: renew the credentials and try once more.
	Credentials
	// Canceled means that somebody ended the statement, or its time was up: try again only when it was not us.
	Canceled
)

// String returns the class's name as it stands in logs.
func (c Class) String() string {
	return [...]string{"never", "reconnect", "retry transaction", "backoff", "credentials", "canceled"}[c]
}

// sign is one way to recognise a failure, by its SQLSTATE or by its text: Redshift reports most of its own failures
// as XX000, and dblink every failed connection as 08001.
type sign struct {
	class Class
	codes []string // SQLSTATEs, or their beginnings
	texts []string // lower case
}

// signs are tried in order: what is more special comes first.
var signs = []sign{
	{Never, nil, []string{"query monitoring rule", "disk full", "certificate", "does not support ssl", "ssl off", "no encryption"}},
	{Never, []string{"2F003", "53100"}, []string{"password is required"}},
	{Credentials, []string{"28"}, []string{"password authentication failed", "no pg_hba.conf entry"}},
	{RetryTransaction, []string{"40001", "40P01"}, []string{
		"serializable isolation violation", "could not open relation with oid", "conflict with concurrent transaction",
		"tuple concurrently updated",              // two that grant rights on one schema
		"cached plan must not change result type", // somebody has changed a table of the catalog meanwhile
		"error: 1018", "error: 1023", "code: 1018", "code: 1023",
	}},
	{Backoff, []string{"53300", "53200", "55P03"}, []string{
		"connection limit", "too many connections", "too many clients", "remaining connection slots",
		"system requested abort", "code: 1020",
	}},
	{Canceled, []string{"57014"}, []string{"canceled on user's request", "canceling statement"}},
	{Reconnect, []string{"08", "57P01", "57P02", "57P03"}, []string{
		"server closed the connection", "connection refused", "connection timed out", "timeout expired",
		"could not connect", "could not translate host name", "ssl syscall error", "eof detected", "no connection to the server",
	}},
}

// Classify says what can help after an error of a local statement, also one that read through a link.
func Classify(err error) Class {
	var server *pgconn.PgError
	var network net.Error
	switch {
	case err == nil:
		return Never
	case errors.As(err, &server):
		return classifyServer(server)
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return Canceled
	case errors.As(err, &network) || pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) ||
		strings.Contains(err.Error(), "unexpected EOF"):
		return Reconnect
	}
	return Never
}

func classifyServer(err *pgconn.PgError) Class {
	for _, s := range signs {
		if matches(err, s.codes, s.texts) {
			return s.class
		}
	}
	return Never
}

// firstQuoted returns the name that a message quotes, which may itself hold quotes.
func firstQuoted(text string) string {
	_, rest, _ := strings.Cut(text, `"`)
	if end := strings.LastIndexByte(rest, '"'); end >= 0 {
		return rest[:end]
	}
	return rest
}
