package dblink

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// hinter is an error of ours that knows what to do.
type hinter interface {
	error
	Hint() string
}

// advice is what a human should know about a failure whose own text says little. The first that matches is given.
type advice struct {
	codes []string // SQLSTATEs, or their beginnings
	texts []string // lower case
	what  string
	hint  string
}

// Explain tells a human what an error of a link means, and what to do next. Where it knows nothing better, what is the
// server's message, or the error's own text, and hint is the server's or empty. Neither holds a password.
func Explain(err error) (what, hint string) {
	if err == nil {
		return "", ""
	}
	if known := hinter(nil); errors.As(err, &known) {
		return err.Error(), known.Hint()
	}
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return err.Error(), ""
	}
	for _, a := range explanations {
		if matches(server, a.codes, a.texts) {
			return a.what + ": " + cause(server), a.hint
		}
	}
	return cause(server), server.Hint
}

// cause is what the other side said. dblink puts it into the detail when a connection fails, where libpq's preface
// ("connection to server at …, port … failed:") is worth keeping: it names the address that was tried.
func cause(err *pgconn.PgError) string {
	if strings.HasPrefix(err.Code, "08") && err.Detail != "" {
		return strings.TrimSpace(err.Detail)
	}
	return strings.TrimSpace(err.Message)
}

// matches tells whether a server's error has one of the SQLSTATEs or one of the texts.
func matches(err *pgconn.PgError, codes, texts []string) bool {
	for _, prefix := range codes {
		if strings.HasPrefix(err.Code, prefix) {
			return true
		}
	}
	// Redshift's own codes stand alone in the message, or behind a varying number of blanks in the detail.
	said := "error: " + strings.Join(strings.Fields(strings.ToLower(err.Message+" "+err.Detail)), " ")
	for _, fragment := range texts {
		if strings.Contains(said, fragment) {
			return true
		}
	}
	return false
}

var explanations = []advice{
	{
		texts: []string{"password authentication failed"},
		what:  "Redshift refused the login",
		hint:  "Check the link's user and password; a password with VALID UNTIL expires, and renaming a user clears it.",
	},
	{
		texts: []string{"fatal: database"},
		what:  "the link's database does not exist",
		hint:  "Check the database; Redshift's first one is called dev unless its maker chose another name.",
	},
	{
		codes: []string{"42601", "42703", "42803", "42804", "42883", "22012"},
		what:  "Redshift refuses the query",
		hint:  "Try it with `cachectl query`. Redshift's SQL is that of PostgreSQL 8.0, with additions of its own.",
	},
	{
		codes: []string{"2F003"},
		what:  "the link may not be used without a password that Redshift asks for",
		hint:  "Set the link's password, and make sure that the remote login needs one.",
	},
	{
		texts: []string{"could not translate host name"},
		what:  "the host name does not resolve on the PostgreSQL server",
		hint: "Check the name. A private name may need rds.custom_dns_resolution = 1; or give the link the address " +
			"(hostaddr) beside the name.",
	},
	{
		texts: []string{"connection refused"},
		what:  "nothing listens at the link's address",
		hint:  "Check host and port (Redshift's default is 5439), and that the cluster is neither paused nor restarting.",
	},
	{
		texts: []string{"timeout expired", "connection timed out", "no route to host", "network is unreachable"},
		what:  "the link's address does not answer",
		hint: "Check that Redshift's security group lets the PostgreSQL server in, that both can reach each other " +
			"(same or peered VPC), and that the cluster is not paused.",
	},
	{
		texts: []string{"root certificate file", "certificate verify failed", "does not match host name", "server certificate"},
		what:  "the server's certificate could not be verified",
		hint: "sslrootcert is a file on the PostgreSQL server; verify-full needs a host name that the certificate has. " +
			"Where no such file can be placed, sslmode=require encrypts without verifying.",
	},
	{
		texts: []string{"does not support ssl", "ssl off", "ssl error", "ssl is required", "no encryption"},
		what:  "the two sides do not agree on TLS",
		hint:  "Use sslmode=require, unless the server has no TLS at all.",
	},
	{
		texts: []string{"server closed the connection", "eof detected", "ssl syscall error", "no connection to the server"},
		what:  "the connection to Redshift broke",
		hint:  "Try again; it breaks when the cluster is paused, resized or maintained, or when a firewall forgets it.",
	},
	{
		codes: []string{"53300"}, texts: []string{"connection limit", "too many connections", "too many clients"},
		what: "Redshift has no connection left",
		hint: "Lower the link's concurrency, close other sessions, or raise the user's CONNECTION LIMIT.",
	},
	{
		texts: []string{"query monitoring rule"},
		what:  "a query monitoring rule of the warehouse ended the query",
		hint:  "Make the query cheaper, or ask the warehouse's owner for another queue.",
	},
	{
		texts: []string{"permission denied to create temporary tables"},
		what:  "the link's login may not create temporary tables, which describing a query needs",
		hint:  "On Redshift: GRANT TEMP ON DATABASE … TO the link's user.",
	},
	{
		texts: []string{"disk full"}, codes: []string{"53100"},
		what: "a disk is full",
		hint: "Free space before the next try: on Redshift when the query spills, else on the PostgreSQL server.",
	},
	{
		codes: []string{"22021"},
		what:  "a text is not valid UTF-8",
		hint:  "Correct the row on Redshift, or leave the column out of the query.",
	},
	{
		texts: []string{"does not fit numeric"}, codes: []string{"22003"},
		what: "a number does not fit its column's type",
		hint: "Cast the column in the query to a wider type, or ROUND it to the scale that it has.",
	},
	{
		codes: []string{"2BP01"},
		what:  "something else still needs it",
		hint:  "Remove what depends on it first: a foreign table, or another role's user mapping.",
	},
	{
		codes: []string{"42501"},
		what:  "the right to it is missing",
		hint:  "Grant it to the link's user on Redshift (USAGE on the schema and SELECT on the relation), or to the role here.",
	},
	{
		codes: []string{"42P01", "3F000"},
		what:  "the relation or its schema does not exist, or the link's user may not see it",
		hint:  "Write names with their schema, and check them on Redshift.",
	},
	{
		codes: []string{"57014"}, texts: []string{"canceled on user's request"},
		what: "the query was canceled",
		hint: "Somebody canceled it, or it ran longer than its statement timeout allows, waiting in a queue included.",
	},
}
