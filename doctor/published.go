package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// examinePublished looks for published views that somebody has dropped, moved, given away or changed: who reads them gets
// an error, or something else than what is refreshed.
func examinePublished(_ context.Context, x *exam) ([]Check, error) {
	var objections []Check
	for _, v := range x.views {
		if v.Generation == nil {
			continue // see view-empty
		}
		if finding, fix := judgePublished(v, x.published[v.View.ID]); finding != "" {
			objections = append(objections, fail(aboutView(v), finding, fix))
		}
	}
	return orOK(objections, x.all(), "readers find all that were published"), nil
}

func judgePublished(v catalog.Status, p catalog.Published) (finding, fix string) {
	name := v.View.Name
	again := infra.Command("cachectl", "refresh", name.String()) + " makes it again, with its grants."
	finding = p.Problem()
	switch {
	case finding == "" && v.Misled != "":
		return v.Misled, "Refresh the input first, which mends it, or says what somebody has to decide. Then " + again
	case finding == "":
		return "", ""
	case p.OID != 0 && !p.Owned:
		return finding, fmt.Sprintf("As %s, or as a superuser: ALTER VIEW %s OWNER TO the role of DATABASE_URL.", sql.Ident(p.Owner), p.At.SQL())
	case !p.AtHome && p.TakenKind != "":
		return finding, "Rename or drop that one. Then " + again
	case p.OID != 0 && !p.AtHome:
		return finding, infra.Command("cachectl", "refresh", name.String()) + " moves it back."
	case p.Emptied:
		return finding, infra.Command("cachectl", "refresh", name.String()) + " reads them again."
	case p.Secluded():
		return finding, "ALTER VIEW " + name.SQL() + " RESET (security_invoker); or grant its readers USAGE on schema " + catalog.DataSchema +
			" and SELECT on " + v.View.RelationSQL(*v.Generation) + ": the generations that follow keep that."
	case p.Altered:
		return finding, "Put the change into a view of your own over it; then DROP VIEW " + name.SQL() + ". " + again
	}
	return finding, again
}

// examineGrantees looks for roles that a definition lets read, and that do not exist any more.
func examineGrantees(ctx context.Context, x *exam) ([]Check, error) {
	var objections []Check
	for _, v := range x.views {
		var missing []string
		err := x.tx.QueryRow(ctx, `
			SELECT coalesce(pg_catalog.array_agg(g ORDER BY g), '{}') FROM pg_catalog.unnest($1::text[]) g
			WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname::text = g)`, v.View.Grantees).Scan(&missing)
		if err != nil {
			return nil, fmt.Errorf("look for roles: %w", err)
		}
		if missing = slices.DeleteFunc(missing, catalog.Everybody); len(missing) > 0 {
			objections = append(objections, warn(aboutView(v), "its definition lets read who does not exist: "+strings.Join(missing, ", "),
				infra.Command("cachectl", "alter-view", v.View.Name.String(), "--grant")+" with the roles that are to read it; a role that was renamed "+
					"keeps what it was granted, under its new name."))
		}
	}
	return orOK(objections, x.all(), "all roles of definitions exist"), nil
}
