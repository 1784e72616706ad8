package main

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
)

// What Postgres reports and is worth a word of ours.
const (
	connectionException = "08" // a class; dblink hides the cause in the detail
	insufficientRights  = "42501"
)

// said is an error's text in one line, without what only a program reads from it: severity, SQLSTATE and ids.
func said(err error) string {
	text := err.Error()
	walk(err, func(err error) bool {
		switch known := err.(type) { //nolint:errorlint // walk unwraps
		case *pgconn.PgError:
			message := known.Message
			if strings.HasPrefix(known.Code, connectionException) && known.Detail != "" {
				message += ": " + known.Detail
			}
			text = strings.ReplaceAll(text, known.Error(), message)
		case *lock.HeldError:
			if known.Known {
				text = strings.ReplaceAll(text, known.Error(), "held by "+known.Holder.String())
			}
		case *lock.BusyError:
			text = strings.ReplaceAll(text, fmt.Sprintf("lock slot of link %d: ", known.LinkID), "wait for the link: ")
		}
		return true
	})
	return oneLine.Replace(text)
}

var oneLine = strings.NewReplacer("\n\t", " ", "\n", " ")

// hint is what the error, or the server, says to do next.
func hint(err error) string {
	if text := infra.Hint(err); text != "" {
		return text
	}
	found := ""
	walk(err, func(err error) bool {
		switch known := err.(type) { //nolint:errorlint // walk unwraps
		case interface{ Hint() string }:
			found = known.Hint()
		case *lock.HeldError, *lock.BusyError:
			found = "`cachectl locks` shows who holds what; try again when that has ended"
		case *pgconn.PgError:
			found = known.Hint
			if found == "" && known.Code == insufficientRights {
				found = "DATABASE_URL has to name the role that ran `cachectl init`, and that one needs CREATE on the database"
			}
		}
		return found == ""
	})
	return found
}

// walk visits err and all that it wraps, the outermost first, until visit returns false.
func walk(err error, visit func(error) bool) bool {
	if err == nil {
		return true
	}
	if !visit(err) {
		return false
	}
	switch wrapper := err.(type) { //nolint:errorlint // this is the unwrapping
	case interface{ Unwrap() error }:
		return walk(wrapper.Unwrap(), visit)
	case interface{ Unwrap() []error }:
		for _, inner := range wrapper.Unwrap() {
			if !walk(inner, visit) {
				return false
			}
		}
	}
	return true
}
