package infra

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

const codeFull = "53300" // nobody else is let in

// fullHint is what the user can do when a server lets nobody else in, or "". One SQLSTATE stands for four limits; the
// place in PostgreSQL's source that refuses tells which, in every version and language.
func fullHint(err error) string {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || refused.Code != codeFull {
		return ""
	}
	const closeSome = "Close sessions that are not needed, lower REDCACHE_MAX_CONNS and REDCACHE_CONCURRENCY, or "
	switch refused.Routine {
	case "InitializeSessionUserId":
		return "The server has room, the role of DATABASE_URL has a limit of its own. " + closeSome +
			"raise it: ALTER ROLE … CONNECTION LIMIT."
	case "CheckMyDatabase":
		return "The server has room, the database has a limit of its own. " + closeSome + "raise it: ALTER DATABASE … CONNECTION LIMIT."
	case "InitPostgres":
		return "What is left of the server's connections is for superusers (superuser_reserved_connections) and the like. " +
			closeSome + "raise max_connections."
	}
	return "The server has no connection left. " + closeSome + "raise max_connections."
}
