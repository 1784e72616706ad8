package dblink

import (
	"errors"
	"path"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// What a link is made of in the cache database, and somebody has dropped. [Open], [Cancel], [Login] and [SetPassword]
// return them with a hint.
var (
	ErrNoServer  = errors.New("no such foreign server")
	ErrNoMapping = errors.New("the link has no user mapping for the role of DATABASE_URL")
)

// missingError is one of these, of a server.
type missingError struct {
	server string
	err    error
}

func (e *missingError) Error() string { return e.err.Error() }
func (e *missingError) Unwrap() error { return e.err }

// Hint says how to get it back.
func (e *missingError) Hint() string {
	who := "Somebody has dropped it in the cache database"
	if errors.Is(e.err, ErrNoMapping) {
		who += ", or another role made the link"
	}
	return who + ": " + infra.Command("cachectl", "link", "rotate", strings.TrimPrefix(e.server, redshift.ServerPrefix)) +
		" makes it again, with --password-env where the password is given by hand."
}

// missing explains an error of a connection that is opened through a server.
func missing(server string, err error) error {
	const lookups, undefinedObject = "foreign.c", "42704" // where PostgreSQL looks for mappings
	refused, said := errors.AsType[*pgconn.PgError](err)
	if said && path.Base(refused.File) == lookups && refused.Code == undefinedObject {
		return &missingError{server, ErrNoMapping}
	}
	return err
}
