package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// examineServer holds the foreign server, over which PostgreSQL connects, against the catalog, by which streams do.
// Options that the catalog does not have are the operator's.
func examineServer(ctx context.Context, x *exam, l catalog.Link) (Check, error) {
	server := l.Server()
	found, err := dblink.Options(ctx, x.tx, server.Name)
	if errors.Is(err, pgx.ErrNoRows) {
		return fail(about(l), "its foreign server "+server.Name+" does not exist",
			"Somebody has dropped it: "+infra.Command("cachectl", "link", "rotate", l.Name)+" makes it again, with the login."), nil
	}
	if err != nil {
		return Check{}, err
	}
	var differences, changes []string
	for _, o := range []struct{ name, wanted string }{
		{"host", l.Host},
		{"hostaddr", l.HostAddr},
		{"port", strconv.Itoa(l.Port)},
		{"dbname", l.Database},
		{"sslmode", l.SSLMode},
		{"sslrootcert", l.SSLRootCert},
	} {
		if value, has := found[o.name]; value != o.wanted {
			differences = append(differences, fmt.Sprintf("%s is %q there and %q here", o.name, value, o.wanted))
			changes = append(changes, change(o.name, o.wanted, has))
		}
	}
	if differences != nil {
		return warn(about(l), "its foreign server and the catalog differ: "+strings.Join(differences, ", "),
			"If the catalog is right: ALTER SERVER "+sql.Ident(server.Name)+" OPTIONS ("+strings.Join(changes,
				", ")+");"), nil
	}
	var user string
	err = x.tx.QueryRow(ctx, `
		SELECT coalesce(max(o.option_value) FILTER (WHERE o.option_name = 'user'), '')
		FROM pg_catalog.pg_user_mappings m
		LEFT JOIN LATERAL pg_catalog.pg_options_to_table(m.umoptions) o ON true
		WHERE m.srvname = $1 AND m.usename = current_user
		GROUP BY m.umid`, server.Name).Scan(&user)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fail(about(l), "this role has no user mapping for its foreign server",
			"Have DATABASE_URL name the role that made the link, or give the link its login again: "+rotating(l)+"."), nil
	case err != nil:
		return Check{}, fmt.Errorf("read user mapping: %w", err)
	case l.Credentials == catalog.PasswordCredentials && user != l.User:
		return warn(about(l), fmt.Sprintf("its user mapping logs in as %s, and the catalog says %s", user, l.User),
			"Find out which is right: ALTER USER MAPPING changes the mapping."), nil
	}
	return ok(about(l), "its foreign server is as the catalog says"), nil
}

// change is what ALTER SERVER … OPTIONS needs to give an option its value.
func change(name, wanted string, has bool) string {
	switch {
	case wanted == "":
		return "DROP " + sql.Ident(name)
	case has:
		return "SET " + sql.Ident(name) + " " + sql.LiteralLine(wanted)
	}
	return "ADD " + sql.Ident(name) + " " + sql.LiteralLine(wanted)
}

// overdue returns the views of a link, or of all for 0, that are due for a minute and are not being refreshed.
func (x *exam) overdue(linkID int32) []catalog.Status {
	return slices.DeleteFunc(slices.Clone(x.views), func(v catalog.Status) bool {
		return (linkID != 0 && v.View.Link.ID != linkID) || !x.isOverdue(v)
	})
}

func (x *exam) isOverdue(v catalog.Status) bool {
	if v.NextDue == nil || len(v.Awaited) > 0 || x.now.Sub(*v.NextDue) < aMinute {
		return false
	}
	return !x.atWork(v)
}
