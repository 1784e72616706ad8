package redshift

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/infra"
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

// Explain tells a human what an error means that arose on the way of rows from Redshift to the cache database, on which
// side it did, and what to do next. Where it knows nothing better, what is the server's message, or the error's own text,
// and hint is empty. Neither holds a password.
func Explain(err error) (what, hint string) {
	if err == nil {
		return "", ""
	}
	if known := hinter(nil); errors.As(err, &known) {
		return err.Error(), known.Hint()
	}
	server, said := errors.AsType[*pgconn.PgError](err)
	if !said {
		return err.Error(), ""
	}
	side := SideOf(err)
	what, hint = side.explain(server)
	if what = strings.TrimSuffix(what+": "+cause(server), ": "); server.Hint != "" {
		what += fmt.Sprintf(" (a hint of %s: %s)", side, infra.Bounded(server.Hint))
	}
	return what, hint
}

// The names of the files of PostgreSQL's source in which functions that people wrote raise errors begin with pl: pl_exec.c,
// plperl.c, plpy_elog.c. Those of its own planner do so, too: planner.c, plancache.c.
const (
	procedural = "pl"
	planner    = "plan"
	codeRaised = "P0001"
	codeNotNow = "55000" // of statements, and, when it is fatal, of logins
)

// explain says what is known of a server's error by itself; that it is the cache database's is always said, as nobody
// expects it of what goes to Redshift.
func (s Side) explain(err *pgconn.PgError) (what, hint string) {
	table := there
	if s == Here {
		table = here
	}
	if file := path.Base(err.File); s == Here && strings.HasPrefix(file, procedural) && !strings.HasPrefix(file, planner) {
		err = &pgconn.PgError{Code: codeRaised} // whatever code it gives itself
	}
	if s == Here && err.Code == codeNotNow && err.Severity == "FATAL" {
		return "the cache database lets nobody in", "As a superuser, in another database: ALTER DATABASE … ALLOW_CONNECTIONS true."
	}
	for _, a := range table {
		if matches(err, a.codes, a.texts) {
			return a.what, a.hint
		}
	}
	return s.String() + " says", ""
}

// cause is what the other side said. dblink puts it into the detail when a connection fails, where libpq's preface
// ("connection to server at …, port … failed:") is worth keeping: it names the address that was tried.
func cause(err *pgconn.PgError) string {
	if strings.HasPrefix(err.Code, "08") && err.Detail != "" {
		return infra.Bounded(strings.TrimSpace(err.Detail))
	}
	return infra.Bounded(strings.TrimSpace(err.Message))
}

// matches tells whether a server's error has one of the SQLSTATEs or one of the texts.
func matches(err *pgconn.PgError, codes, texts []string) bool {
	for _, prefix := range codes {
		if strings.HasPrefix(err.Code, prefix) {
			return true
		}
	}
	// Redshift's own codes stand alone in the message, or behind a varying number of blanks in the detail.
	text := infra.BoundedMessage(err.Message) + " " + infra.BoundedMessage(err.Detail) // what is known stands at their beginning
	said := "error: " + strings.Join(strings.Fields(strings.ToLower(text)), " ")
	for _, fragment := range texts {
		if strings.Contains(said, fragment) {
			return true
		}
	}
	return false
}
