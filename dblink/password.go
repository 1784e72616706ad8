package dblink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/sql"
)

// ErrPasswordExposed means that the server would record the password, because it keeps the text of nested statements.
// [SetPassword] and [Create] return it before the password is sent.
var ErrPasswordExposed = errors.New("the server would record the password")

// secretTable carries the password to the block that needs it: the rows of a COPY are in no log, whereas statement
// texts and bind parameters are.
const secretTable = "redcache_secret"

// createMapping reads the password inside the server. Whatever the server says about a nested statement carries its
// text as context, so nothing is to be said: the handler passes on neither the statement nor its context and covers
// query_canceled too, which OTHERS does not; messages below a warning are kept from the client.
const createMapping = `DO $redcache$
DECLARE
	secret pg_temp.redcache_secret%ROWTYPE;
	verbosity text := pg_catalog.current_setting('client_min_messages');
BEGIN
	PERFORM pg_catalog.set_config('client_min_messages', 'warning', true);
	SELECT * INTO STRICT secret FROM pg_temp.redcache_secret;
	EXECUTE pg_catalog.format('DROP USER MAPPING IF EXISTS FOR CURRENT_USER SERVER %I', secret.server);
	EXECUTE pg_catalog.format('CREATE USER MAPPING FOR CURRENT_USER SERVER %I OPTIONS ("user" %L, password %L)',
		secret.server, secret.login, secret.password);
	PERFORM pg_catalog.set_config('client_min_messages', verbosity, true);
EXCEPTION WHEN OTHERS OR query_canceled THEN
	RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM;
END
$redcache$`

// mappingSteps are what createMapping comes to, but for the password.
func mappingSteps(server, user string) []plan.Step {
	options := map[string]string{"user": user, "password": hidden}
	maps.DeleteFunc(options, func(_, value string) bool { return value == "" }) // a rehearsal may not know the user
	return []plan.Step{dropMappingStep(server), {
		Title: "create user mapping",
		SQL:   fmt.Sprintf("CREATE USER MAPPING FOR CURRENT_USER SERVER %s OPTIONS (%s)", sql.Ident(server), optionList("", options)),
		Notes: []string{"its password is handed over beside the SQL and never appears in a statement's text"},
	}}
}

// hidden stands for the password in a plan.
const hidden = "********"

// SetPassword makes or replaces the current role's user mapping of a server. The password appears in no statement
// text and no bind parameter, hence in no log. Sessions that are open already keep the login they have.
func SetPassword(ctx context.Context, tx pgx.Tx, server, user, password string) error {
	if err := setPassword(ctx, tx, server, user, password); err != nil {
		return fmt.Errorf("set password of server %s: %w", server, err)
	}
	return nil
}

func setPassword(ctx context.Context, tx pgx.Tx, server, user, password string) error {
	switch {
	case plan.Rehearses(tx): // which nobody has told it
	case password == "":
		return errors.New("the password is empty")
	case strings.Contains(password, "\x00") || !utf8.ValidString(password):
		return errors.New("the password is not valid text")
	}
	if err := CheckRecorders(ctx, tx); err != nil {
		return err
	}
	if err := lockServer(ctx, tx, server); err != nil {
		return err
	}
	if plan.Rehearses(tx) {
		return run(ctx, tx, mappingSteps(server, user))
	}
	_, err := tx.Exec(ctx, "CREATE TEMPORARY TABLE "+secretTable+" (server text, login text, password text) ON COMMIT DROP")
	if err != nil {
		return err
	}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"pg_temp", secretTable}, []string{"server", "login", "password"},
		pgx.CopyFromRows([][]any{{server, user, password}}))
	if err != nil {
		return err
	}
	return execAll(ctx, tx, []string{createMapping, "DROP TABLE pg_temp." + secretTable})
}

// lockServer makes two transactions that set the same mapping wait for each other here: a wait inside the inner
// statement would be logged with its text when log_lock_waits is on. The key is the server's row, as in package lock:
// the OID of its catalog, and its own.
func lockServer(ctx context.Context, q Querier, server string) error {
	tag, err := q.Exec(ctx, `
		SELECT pg_catalog.pg_advisory_xact_lock(s.tableoid::bigint::bit(32)::integer, s.oid::bigint::bit(32)::integer)
		FROM pg_catalog.pg_foreign_server s WHERE s.srvname = $1`, server)
	if err == nil && tag.RowsAffected() == 0 {
		err = &missingError{server, ErrNoServer}
	}
	return err
}
