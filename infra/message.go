package infra

import (
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// connectionException is the class of SQLSTATEs for which dblink hides the cause in the detail.
const connectionException = "08"

// Message returns an error's text for people: in one line, bounded, and without what only a program reads from it,
// which is the severity and SQLSTATE of a server's error.
func Message(err error) string {
	text := err.Error()
	Walk(err, func(err error) bool {
		if joined, ok := err.(interface{ Unwrap() []error }); ok { // by errors.Join, or else it has a text of its own
			if each := texts(joined.Unwrap()); err.Error() == strings.Join(each, "\n") {
				text = strings.ReplaceAll(text, err.Error(), strings.Join(each, "; "))
			}
		}
		if server, ok := err.(*pgconn.PgError); ok {
			message := Bounded(server.Message)
			if strings.HasPrefix(server.Code, connectionException) && server.Detail != "" {
				message += ": " + Bounded(server.Detail)
			}
			text = strings.ReplaceAll(text, server.Error(), message)
		}
		return true
	})
	return BoundedMessage(oneLine.Replace(text))
}

func texts(errs []error) []string {
	list := make([]string, len(errs))
	for i, err := range errs {
		list[i] = err.Error()
	}
	return list
}

var oneLine = strings.NewReplacer("\n\t", " ", "\n", " ")

// Walk visits err and all that it wraps, the outermost first, until visit returns false.
func Walk(err error, visit func(error) bool) bool {
	if err == nil {
		return true
	}
	if !visit(err) {
		return false
	}
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		return Walk(wrapper.Unwrap(), visit)
	case interface{ Unwrap() []error }:
		for _, inner := range wrapper.Unwrap() {
			if !Walk(inner, visit) {
				return false
			}
		}
	}
	return true
}
