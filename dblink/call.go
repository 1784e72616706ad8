package dblink

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// Call returns the SQL of a call of one of dblink's functions, in the schema where it lives. All that are called here
// take texts, and are given nothing else: where others may create functions, one that took what was given more exactly
// would be called instead, with this role's rights.
func Call(schema, function string, args ...string) string {
	exact := make([]string, len(args))
	for i, arg := range args {
		exact[i] = "(" + arg + ")::pg_catalog.text"
	}
	return sql.Ident(schema, function) + "(" + strings.Join(exact, ", ") + ")"
}

// codeAmbiguous is the SQLSTATE of a call that fits several functions.
const codeAmbiguous = "42725"

// explainCall says what has come in the way of a call: with defaults for more arguments, a function of somebody else's
// fits as exactly as dblink's own. PostgreSQL then calls neither.
func explainCall(schema string, err error) error {
	if server, ok := errors.AsType[*pgconn.PgError](err); !ok || server.Code != codeAmbiguous {
		return err
	}
	return infra.Hinted(err, "Somebody else's function in schema "+sql.Ident(schema)+" has the name of one of dblink's. Drop it, "+
		"and REVOKE CREATE ON SCHEMA "+sql.Ident(schema)+" FROM whoever made it, PUBLIC included.")
}
