package dblink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/redshift"
)

// Step is something that has to succeed before a row comes through a link.
type Step string

// The steps, in their order.
const (
	AtDNS    Step = "dns"    // the host has an address
	AtTCP    Step = "tcp"    // somebody takes connections there
	AtTLS    Step = "tls"    // both sides agree on TLS, and the certificate is trusted
	AtLogin  Step = "login"  // the server lets the login into the database
	AtSelect Step = "select" // it answers a query
)

// Steps returns all of them in their order.
func Steps() []Step { return []Step{AtDNS, AtTCP, AtTLS, AtLogin, AtSelect} }

// Trial is how far PostgreSQL got on its way through a link.
type Trial struct {
	Failed    Step          // where it ended; empty: it got through
	Cause     error         // why it ended there, for [Explain]
	User      string        // who it is logged in as, as the remote says; empty when it did not get through
	RoundTrip time.Duration // what the backend waited for the answer to a query that costs nothing
}

// Try has the transaction's backend open a session through a server, read one row, and close it. That the link does
// not work is no error of Try, but that it could not be tried is: the server does not exist, an extension lacks, ctx
// ended. The transaction can go on after a failed trial.
func Try(ctx context.Context, tx pgx.Tx, server string, set redshift.Settings) (Trial, error) {
	trial, err := try(ctx, tx, server, set)
	if err == nil {
		return trial, nil
	}
	step, remote := FailedStep(err)
	if !remote || ctx.Err() != nil {
		return Trial{}, fmt.Errorf("try link %s: %w", server, err)
	}
	return Trial{Failed: step, Cause: err}, nil
}

func try(ctx context.Context, tx pgx.Tx, server string, set redshift.Settings) (trial Trial, err error) {
	set.StatementTimeout = cmp.Or(set.StatementTimeout, TrialLimit(ctx))
	s, err := Open(ctx, tx, server, set)
	if err != nil {
		return trial, err
	}
	guard, err := tx.Begin(ctx) // so that a failure can still close the session
	if err != nil {
		return trial, err
	}
	// The rows are asked for after the first look at the clock, and the second look needs them.
	within, done := WithinTimeout(ctx, server, s.limit)
	err = done(guard.QueryRow(within, `
		SELECT coalesce(t.who, ''), pg_catalog.clock_timestamp() - began.at
		FROM (SELECT pg_catalog.clock_timestamp() AS at OFFSET 0) began
		CROSS JOIN LATERAL `+Call(s.schema, "dblink", "$1", "CASE WHEN began.at IS NOT NULL THEN $2 END")+` AS t(who text)`,
		server, "SELECT current_user").Scan(&trial.User, &trial.RoundTrip))
	if err == nil {
		err = guard.Commit(ctx)
	} else {
		back(ctx, guard)
	}
	return trial, errors.Join(err, s.Close(ctx))
}

// SQLSTATEs of dblink itself.
const (
	codeNoConnection   = "08001" // the connection could not be made
	codeNoPassword     = "2F003" // it was made without the remote asking for a password
	classNoConnection  = "08"
	remoteErrorContext = "on dblink connection named" // or, unnamed, never ours
)

// FailedStep says at which step a statement that reads through a link ended, and false when it did not end at any of
// them, but on this side.
func FailedStep(err error) (step Step, remote bool) {
	server, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case errors.As(err, new(*SilentError)):
		return AtSelect, true // a login that is not answered ends at the limit for connecting
	case !ok:
		return "", false
	case server.Code == codeNoConnection:
		return refusedAt(server.Detail), true
	case server.Code == codeNoPassword:
		return AtLogin, true
	case strings.HasPrefix(server.Code, classNoConnection), strings.Contains(server.Where, remoteErrorContext):
		return AtSelect, true
	}
	return "", false
}

// refusedAt reads what libpq says when it could not connect. Behind its preface, the server's own words begin with
// their severity, and libpq's are as they have been since PostgreSQL 9. Both may quote names, which may look like
// anything, so that only what stands at the beginning is read, or what no name can hold.
func refusedAt(said string) Step {
	text := strings.ToLower(strings.TrimSpace(lastAttempt(said)))
	for _, s := range refusals {
		for _, beginning := range s.beginnings {
			if strings.HasPrefix(text, beginning) {
				return s.step
			}
		}
	}
	if strings.HasPrefix(text, "fatal:") && (strings.HasSuffix(text, "ssl off") || strings.HasSuffix(text, "no encryption")) {
		return AtTLS // pg_hba.conf refuses what is not encrypted
	}
	if strings.HasPrefix(text, "fatal:") || strings.HasPrefix(text, "error:") {
		return AtLogin
	}
	return AtTCP
}

// refusals are the beginnings of libpq's messages. What ends without a word after TCP counts as TLS, which comes next,
// and a mere timeout as TCP, where most end.
var refusals = []struct {
	step       Step
	beginnings []string // lower case
}{
	{AtDNS, []string{"could not translate host name", "could not parse network address"}},
	{AtTCP, []string{"could not connect to server", "connection refused", "timeout expired", "connection timed out"}},
	{AtTLS, []string{
		"ssl ", "root certificate file", "could not read root certificate file", "server certificate", "could not get server",
		"host name must be specified for a verified", "server does not support ssl", "received invalid response to ssl",
		"could not create ssl context", "could not establish ssl connection", "could not load system root certificate",
		"weak sslmode", "server sent an error response during ssl", "server closed the connection",
		"could not receive data from server", "could not send ssl negotiation", "certificate",
	}},
	{AtLogin, []string{
		"fe_sendauth", "expected authentication request", "authentication method", "scram", "sasl", "auth method",
		"password", "unexpected message from server during startup", "protocol error", "invalid authentication",
		"could not send startup packet", "could not send password",
	}},
}

// lastAttempt is what libpq says about the last address that it tried, without the preface that names it. PostgreSQL
// 13 has no such preface.
func lastAttempt(said string) string {
	last := said
	for line := range strings.Lines(said) {
		at, rest, found := strings.Cut(line, " failed: ")
		if found && strings.HasPrefix(at, "connection to server at ") {
			last = rest
		}
	}
	return last
}
