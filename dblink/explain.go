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

// advice is what a human should know about a failure that says little by itself.
type advice struct {
	codes, texts []string
	what, hint   string
}

// Explain tells a human what an error of the link means, and what to do next. Where it knows nothing better, what is
// the error's own text and hint is the server's, or empty.
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
	text := strings.ToLower(server.Message + "\n" + server.Detail)
	for _, a := range explanations {
		if a.matches(server.Code, text) {
			return a.what + said(server), a.hint
		}
	}
	return err.Error(), server.Hint
}

func (a advice) matches(code, text string) bool {
	for _, fragment := range a.texts {
		if strings.Contains(text, fragment) {
			return true
		}
	}
	for _, prefix := range a.codes {
		if strings.HasPrefix(code, prefix) {
			return true
		}
	}
	return false
}

// said quotes the server's last line, which is where libpq puts the cause.
func said(err *pgconn.PgError) string {
	text := err.Message
	if err.Detail != "" && strings.HasPrefix(err.Code, "08") {
		text = err.Detail
	}
	return ": " + strings.TrimSpace(text)
}

var explanations = []advice{
	{texts: []string{"password authentication failed"}, what: "Redshift refused the login", hint: "Give the link the right user and password."},
}
