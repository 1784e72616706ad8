package dblink

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Login returns the login and the password of the current role's user mapping of a server. They come as a row, so
// no statement text and no log has them; the caller must not let them out. PostgreSQL shows a mapping's options to
// the role that the mapping is for and that may use the server (documentation of pg_user_mappings).
func Login(ctx context.Context, q Querier, server string) (user, password string, err error) {
	err = q.QueryRow(ctx, `
		SELECT coalesce(max(o.option_value) FILTER (WHERE o.option_name = 'user'), ''),
		       coalesce(max(o.option_value) FILTER (WHERE o.option_name = 'password'), '')
		FROM pg_catalog.pg_user_mappings m
		LEFT JOIN LATERAL pg_catalog.pg_options_to_table(m.umoptions) o ON true
		WHERE m.srvname = $1 AND m.usename = current_user
		GROUP BY m.umid`, server).Scan(&user, &password)
	if errors.Is(err, pgx.ErrNoRows) {
		err = noLogin(ctx, q, server)
	}
	if err != nil {
		return "", "", fmt.Errorf("read credentials of server %s: %w", server, err)
	}
	return user, password, nil
}

// noLogin tells a mapping that is gone from a server that is gone with it.
func noLogin(ctx context.Context, q Querier, server string) error {
	var there bool
	const look = `SELECT EXISTS (SELECT FROM pg_catalog.pg_foreign_server s WHERE s.srvname = $1)`
	if err := q.QueryRow(ctx, look, server).Scan(&there); err != nil {
		return err
	}
	if !there {
		return &missingError{server, ErrNoServer}
	}
	return &missingError{server, ErrNoMapping}
}
