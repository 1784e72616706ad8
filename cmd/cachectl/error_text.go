package main

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/redshift/session"
)

// insufficientRights is the SQLSTATE of a refusal for lack of rights.
const insufficientRights = "42501"

// errorText is the text of an error in one line, without what only programs need: severity, SQLSTATE and ids.
func errorText(err error) string {
	text := infra.Message(err)
	infra.Walk(err, func(err error) bool {
		switch known := err.(type) { //nolint:errorlint // walk unwraps
		case *lock.HeldError:
			if known.Known {
				text = strings.ReplaceAll(text, known.Error(), "held by "+known.Holder.String())
			}
		case *lock.BusyError:
			text = strings.ReplaceAll(text, fmt.Sprintf("lock slot of link %d: ", known.LinkID), "wait for the link: ")
		}
		return true
	})
	return text
}

// hint says what to do next. A server's own hint is shown as the server's words: a function, a trigger, or whoever runs
// Redshift may have written it.
func hint(err error) string {
	if text := infra.Hint(err); text != "" {
		return text
	}
	found := ""
	infra.Walk(err, func(err error) bool {
		switch known := err.(type) { //nolint:errorlint // walk unwraps
		case interface{ Hint() string }:
			found = known.Hint()
		case *session.Failure: // the errors inside it are not of the cache database
			_, found = redshift.Explain(known)
		case *lock.HeldError, *lock.BusyError:
			found = "`cachectl locks` shows who holds what; try again when that has ended"
		case *pgconn.PgError:
			found = adviceOn(known)
		}
		return found == ""
	})
	return found
}

func adviceOn(err *pgconn.PgError) string {
	switch here := redshift.SideOf(err) == redshift.Here; {
	case here && err.Hint != "" && err.Where == "":
		return "PostgreSQL says: " + infra.Bounded(err.Hint)
	case here && err.Code == insufficientRights:
		return "DATABASE_URL has to name the role that made schema redcache, and that one needs CREATE and " +
			"TEMPORARY on the database"
	}
	if err.File == "" { // it is a pooler's, say
		return ""
	}
	_, found := redshift.Explain(err)
	return found
}
