package dblink

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redcache/redcache/sql"
)

// ErrNotUTF8 means that the cache database has an encoding in which Redshift's texts cannot be checked.
var ErrNotUTF8 = errors.New("the cache database must have the encoding UTF8")

// MissingExtensionError says what the cache database lacks before it can hold a link, and the statements that help.
// [Extensions] returns it.
type MissingExtensionError struct {
	Missing    []string // in words
	Statements []string // what somebody with the right to it must run in the cache database
}

// Error implements error.
func (e *MissingExtensionError) Error() string { return "missing: " + strings.Join(e.Missing, ", ") }

// Hint says who has to run what.
func (e *MissingExtensionError) Hint() string {
	return "In this database, a superuser (on RDS and Aurora: a member of rds_superuser) has to run: " +
		strings.Join(e.Statements, "; ") + "."
}

// Extensions returns the schema in which dblink lives, having checked that the current role can make a link: both
// extensions, the rights on them and a UTF8 database. What lacks is a [*MissingExtensionError] or [ErrNotUTF8].
func Extensions(ctx context.Context, q Querier) (schema string, err error) {
	return extensions(ctx, q, true)
}

// Home returns the schema in which dblink lives, having checked that the current role can use a link that is there. That
// takes no right to use postgres_fdw, which may have been revoked since.
func Home(ctx context.Context, q Querier) (schema string, err error) {
	return extensions(ctx, q, false)
}

func extensions(ctx context.Context, q Querier, toMake bool) (schema string, err error) {
	var role, encoding string
	var fdw, schemaUsage, fdwUsage bool
	err = q.QueryRow(ctx, `
		SELECT current_user, pg_catalog.current_setting('server_encoding'),
		       coalesce(n.nspname, ''), coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), false),
		       f.oid IS NOT NULL, coalesce(pg_catalog.has_foreign_data_wrapper_privilege(f.oid, 'USAGE'), false)
		FROM (SELECT) AS one
		LEFT JOIN pg_catalog.pg_extension e ON e.extname = 'dblink'
		LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
		LEFT JOIN pg_catalog.pg_foreign_data_wrapper f ON f.fdwname = 'postgres_fdw'`,
	).Scan(&role, &encoding, &schema, &schemaUsage, &fdw, &fdwUsage)
	if err != nil {
		return "", fmt.Errorf("look for the extensions: %w", err)
	}
	if encoding != "UTF8" {
		return "", fmt.Errorf("%w, it has %s", ErrNotUTF8, encoding)
	}
	missing := &MissingExtensionError{}
	if schema == "" {
		missing.add("extension dblink", "CREATE EXTENSION dblink")
	} else if !schemaUsage {
		missing.add("the right to use schema "+schema, "GRANT USAGE ON SCHEMA "+sql.Ident(schema)+" TO "+sql.Ident(role))
	}
	if toMake && !fdw {
		missing.add("extension postgres_fdw", "CREATE EXTENSION postgres_fdw")
	}
	if toMake && !fdwUsage {
		missing.add("the right to use postgres_fdw", "GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO "+sql.Ident(role))
	}
	if missing.Missing != nil {
		return "", missing
	}
	return schema, nil
}

func (e *MissingExtensionError) add(what, statement string) {
	e.Missing = append(e.Missing, what)
	e.Statements = append(e.Statements, statement)
}
