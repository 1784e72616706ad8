package dblink

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
)

// errNoMapping means that the server is there, and the role's login for it is not.
var errNoMapping = infra.Hinted(errors.New("the link has no user mapping for the role of DATABASE_URL"),
	"Somebody dropped it, or another role made the link: `cachectl link rotate LINK` with its password makes it again.")

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
		err = errNoMapping
	}
	if err != nil {
		return "", "", fmt.Errorf("read credentials of server %s: %w", server, err)
	}
	return user, password, nil
}
