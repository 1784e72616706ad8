package redshift

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/infra"
)

// public is an error whose text may have values of rows, and that has another one without them.
type public interface {
	error
	Public() string
}

// Public is what may be told of an error to those who may not see every row: applications, logs, whoever invokes a
// function. What a server says is left out unless its SQLSTATE is one for which it cannot hold a value of a row; then
// the SQLSTATE and what is known of it take its place. It is one line, and bounded.
func Public(err error) string {
	if err == nil {
		return ""
	}
	return infra.BoundedMessage(strings.ReplaceAll(infra.Printable(publicly(err, Here)), `\n`, " "))
}

// PublicCause is the same without what was being done.
func PublicCause(err error) string {
	if server, said := errors.AsType[*pgconn.PgError](err); said {
		return speakable(server, SideOf(err))
	}
	return Public(err)
}

func publicly(err error, side Side) string {
	if _, direct := err.(foreign); direct { //nolint:errorlint // it unwraps by itself, to keep the texts around
		side = There
	}
	switch known := err.(type) { //nolint:errorlint // the same
	case public:
		return known.Public()
	case *pgconn.PgError:
		return speakable(known, max(side, SideOf(known)))
	case interface{ Unwrap() []error }:
		return publicParts(err, known.Unwrap(), side)
	case interface{ Unwrap() error }:
		if inner := known.Unwrap(); inner != nil && mayHaveValues(inner) {
			return publicParts(err, []error{inner}, side)
		}
	}
	return err.Error()
}

// publicParts puts the public texts of what an error wraps into its own, which is ours. Where they do not stand in it as
// they are, they are all that is told.
func publicParts(err error, wrapped []error, side Side) string {
	text, parts := err.Error(), make([]string, len(wrapped))
	whole := true
	for i, inner := range wrapped {
		parts[i] = publicly(inner, side)
		said := inner.Error()
		whole = whole && said != "" && strings.Contains(text, said)
		text = strings.ReplaceAll(text, said, parts[i])
	}
	if whole {
		return text
	}
	return strings.Join(slices.Compact(parts), "; ")
}

func mayHaveValues(err error) bool {
	return errors.As(err, new(public)) || errors.As(err, new(*pgconn.PgError))
}

// silent are the classes of SQLSTATEs whose messages are about names, limits and connections. All others may quote a row,
// or come from a function that somebody wrote.
var silent = map[Side][]string{
	Here:  {"08", "23", "25", "28", "2BP01", "3D", "40", "42P01", "42501", "53", "55", "57", "58"},
	There: {"08", "0A", "28", "2F", "3D", "3F", "40", "42", "53", "57"},
}

// speakable is what may be told of a server's error.
func speakable(err *pgconn.PgError, side Side) string {
	what, _ := side.explain(err)
	// A message with a context comes from a function, a trigger or a policy here, which can say anything.
	ours := side == There || err.Where == ""
	if ours && slices.ContainsFunc(silent[side], func(class string) bool { return strings.HasPrefix(err.Code, class) }) {
		return strings.TrimPrefix(what+": "+cause(err), ": ")
	}
	if what == "" {
		what = "an error of " + side.String()
	}
	return fmt.Sprintf("%s (SQLSTATE %s)", what, infra.Bounded(err.Code))
}
