package relation

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/sql"
)

// Grantees are the roles of a definition, each as the grant that it is to have, and those that do not exist. Everybody
// is meant in so many words only: by public, or by PUBLIC if no role has that name.
func Grantees(ctx context.Context, db catalog.DB, names []string) (grants []catalog.Grant, missing []string, err error) {
	if len(names) == 0 {
		return nil, nil, nil
	}
	rows, err := db.Query(ctx, `
		SELECT r.rolname::text, r.oid FROM pg_catalog.pg_roles r WHERE r.rolname::text = ANY ($1::text[])`, names)
	if err != nil {
		return nil, nil, fmt.Errorf("look for roles: %w", err)
	}
	oids, role, oid := map[string]uint32{}, "", uint32(0)
	if _, err = pgx.ForEachRow(rows, []any{&role, &oid}, func() error { oids[role] = oid; return nil }); err != nil {
		return nil, nil, fmt.Errorf("look for roles: %w", err)
	}
	for _, name := range names {
		switch oid, found := oids[name]; {
		case found:
			grants = append(grants, catalog.Grant{Role: name, OID: oid, Right: "SELECT"})
		case catalog.Everybody(name):
			grants = append(grants, catalog.Grant{Right: "SELECT"})
		default:
			missing = append(missing, name)
		}
	}
	return grants, missing, nil
}

// CheckGrantees refuses roles that do not exist, of those that a definition is to let read from now on.
func CheckGrantees(ctx context.Context, db catalog.DB, v catalog.View, names []string) error {
	_, missing, err := Grantees(ctx, db, names)
	if err != nil || len(missing) == 0 {
		return err
	}
	return &catalog.InvalidError{
		What: "view " + v.Name.String(), Problem: fmt.Sprintf("role %q does not exist", missing[0]),
		Fix: "Create the role first, or leave out its --grant.",
	}
}

// GrantSteps let roles read a view that is there, as far as they exist: who is gone has nothing to lose.
func GrantSteps(ctx context.Context, db catalog.DB, v catalog.View, names []string) (steps []plan.Step, err error) {
	found, _, err := Grantees(ctx, db, names)
	for _, g := range found {
		to := granteeSQL(g.Role)
		steps = append(steps,
			plan.Step{Title: "let " + to + " use the schema", SQL: "GRANT USAGE ON SCHEMA " + sql.Ident(v.Name.Schema) + " TO " + to},
			plan.Step{Title: "let " + to + " read the view", SQL: "GRANT SELECT ON " + v.Name.SQL() + " TO " + to},
			plan.Step{Title: "let " + to + " use schema redcache", SQL: "GRANT USAGE ON SCHEMA redcache TO " + to},
			plan.Step{Title: "let " + to + " read the freshness", SQL: "GRANT SELECT ON redcache.freshness TO " + to},
		)
	}
	return steps, err
}

// RevokeSteps take a view from roles. What was granted to a role that is gone went with it; the owner's own rights stay.
func RevokeSteps(ctx context.Context, tx pgx.Tx, v catalog.View, names []string) (steps []plan.Step, err error) {
	var owner string
	if err := tx.QueryRow(ctx, `SELECT current_user::text`).Scan(&owner); err != nil {
		return nil, fmt.Errorf("look for roles: %w", err)
	}
	found, _, err := Grantees(ctx, tx, Without(names, []string{owner}))
	for _, g := range found {
		from := granteeSQL(g.Role)
		steps = append(steps, plan.Step{
			Title: "let " + from + " no longer read the view", SQL: "REVOKE SELECT ON " + v.Name.SQL() + " FROM " + from + " CASCADE",
		})
	}
	return steps, err
}

// Without are those of names that are not in others.
func Without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}
