package dblink

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// Cancel ends the statement that a remote session is running, see [Session.PID]. It uses a short connection of its
// own, and must run in another backend than the session's, which waits for that statement. A session that is idle or
// gone is no error.
func Cancel(ctx context.Context, tx pgx.Tx, server string, pid int) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cancel session %d of link %s: %w", pid, server, err)
		}
	}()
	schema, err := Extensions(ctx, tx)
	if err != nil {
		return err
	}
	name := "redcache cancel " + strconv.Itoa(pid)
	if err := disconnect(ctx, tx, schema, name); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, "SELECT "+Ident(schema, "dblink_connect")+
		"($1, s.srvname) FROM pg_catalog.pg_foreign_server s WHERE s.srvname = $2", name, server)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return ErrNoServer
	}
	_, err = tx.Exec(ctx, "SELECT t.done FROM "+Ident(schema, "dblink")+"($1, $2) AS t(done boolean)",
		name, "SELECT pg_cancel_backend("+strconv.Itoa(pid)+")")
	return errors.Join(err, disconnect(context.WithoutCancel(ctx), tx, schema, name))
}
