package refresh

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/sql"
)

// grantees are the roles of a definition, each as the grant that it is to have, and those that do not exist. Everybody
// is meant in so many words only: by public, or by PUBLIC if no role has that name.
func grantees(ctx context.Context, db catalog.DB, names []string) (grants []catalog.Grant, missing []string, err error) {
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

// checkGrantees refuses roles that do not exist, of those that a definition is to let read from now on.
func checkGrantees(ctx context.Context, db catalog.DB, v catalog.View, names []string) error {
	_, missing, err := grantees(ctx, db, names)
	if err != nil || len(missing) == 0 {
		return err
	}
	return &catalog.InvalidError{
		What: "view " + v.Name.String(), Problem: fmt.Sprintf("role %q does not exist", missing[0]),
		Fix: "Create the role first, or leave out its --grant.",
	}
}

// grantSteps let roles read a view that is there, as far as they exist: who is gone has nothing to lose.
func grantSteps(ctx context.Context, db catalog.DB, v catalog.View, names []string) (steps []Step, err error) {
	found, _, err := grantees(ctx, db, names)
	for _, g := range found {
		to := granteeSQL(g.Role)
		steps = append(steps,
			Step{"let " + to + " use the schema", "GRANT USAGE ON SCHEMA " + sql.Ident(v.Name.Schema) + " TO " + to},
			Step{"let " + to + " read the view", "GRANT SELECT ON " + v.Name.SQL() + " TO " + to},
			Step{"let " + to + " use schema redcache", "GRANT USAGE ON SCHEMA redcache TO " + to},
			Step{"let " + to + " read the freshness", "GRANT SELECT ON redcache.freshness TO " + to},
		)
	}
	return steps, err
}

// revokeSteps take a view from roles. What was granted to a role that is gone went with it; the owner's own rights stay.
func revokeSteps(ctx context.Context, tx pgx.Tx, v catalog.View, names []string) (steps []Step, err error) {
	var owner string
	if err := tx.QueryRow(ctx, `SELECT current_user::text`).Scan(&owner); err != nil {
		return nil, fmt.Errorf("look for roles: %w", err)
	}
	found, _, err := grantees(ctx, tx, without(names, []string{owner}))
	for _, g := range found {
		from := granteeSQL(g.Role)
		steps = append(steps, Step{
			"let " + from + " no longer read the view", "REVOKE SELECT ON " + v.Name.SQL() + " FROM " + from + " CASCADE",
		})
	}
	return steps, err
}

// without are those of names that are not in others.
func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}

// regrant lets those read the published view that one definition has more than another, and those no longer that it has
// less. What others have granted or revoked stays.
func (d *Definer) regrant(ctx context.Context, tx pgx.Tx, state catalog.State, from, to catalog.View) error {
	gone, added := without(from.Grantees, to.Grantees), d.added(from, to)
	if state.Generation == nil || len(gone)+len(added) == 0 {
		return nil
	}
	p, err := publishedOf(ctx, tx, to)
	if err != nil {
		return err
	}
	if !p.AtHome {
		return regrantLater(ctx, tx, to, p.Remembered, gone, added)
	}
	if err := lock.Rights(ctx, tx); err != nil {
		return err
	}
	steps, err := d.regrantSteps(ctx, tx, from, to)
	if err != nil {
		return err
	}
	if err := runSteps(ctx, tx, steps); err != nil {
		return explainPublish(to, err)
	}
	p.Changed = true
	return remember(ctx, tx, to, p)
}

// added are those to whom a changed definition grants.
func (d *Definer) added(from, to catalog.View) []string {
	if d.grant {
		return to.Grantees
	}
	return without(to.Grantees, from.Grantees)
}

func (d *Definer) regrantSteps(ctx context.Context, tx pgx.Tx, from, to catalog.View) ([]Step, error) {
	steps, err := revokeSteps(ctx, tx, to, without(from.Grantees, to.Grantees))
	if err != nil {
		return nil, err
	}
	more, err := grantSteps(ctx, tx, to, d.added(from, to))
	return append(steps, more...), err
}

// regrantLater changes what a view that somebody has dropped is given when it is made again. One of which nothing is
// remembered is given what its definition says.
func regrantLater(ctx context.Context, tx pgx.Tx, v catalog.View, had *catalog.Decorations, gone, added []string) error {
	if had == nil {
		return nil
	}
	if had.Grants == nil {
		owner := catalog.Grant{Right: "ALL"}
		err := tx.QueryRow(ctx, `SELECT r.rolname::text, r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user`).Scan(
			&owner.Role, &owner.OID)
		if err != nil {
			return fmt.Errorf("look for roles: %w", err)
		}
		had.Grants = []catalog.Grant{owner}
	}
	had.Grants = slices.DeleteFunc(had.Grants, func(g catalog.Grant) bool {
		return g.Right == "SELECT" && slices.ContainsFunc(gone, func(name string) bool {
			return name == g.Role || g.OID == 0 && catalog.Everybody(name)
		})
	})
	more, _, err := grantees(ctx, tx, added)
	if err != nil {
		return err
	}
	had.Grants = append(had.Grants, more...)
	return catalog.In(tx).RememberAs(ctx, v.ID, *had)
}
