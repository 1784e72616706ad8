package refresh

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh/relation"
)

// regrant lets those read the published view that one definition has more than another, and those no longer that it has
// less. What others have granted or revoked stays.
func (d *Definer) regrant(ctx context.Context, tx pgx.Tx, state catalog.State, from, to catalog.View) error {
	gone, added := relation.Without(from.Grantees, to.Grantees), d.added(from, to)
	if state.Generation == nil || len(gone)+len(added) == 0 {
		return nil
	}
	p, err := relation.PublishedOf(ctx, tx, to)
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
	if err := plan.Run(ctx, tx, steps); err != nil {
		return relation.ExplainPublish(to, err)
	}
	p.Changed = true
	return remember(ctx, tx, to, p)
}

// added are those to whom a changed definition grants.
func (d *Definer) added(from, to catalog.View) []string {
	if d.grant {
		return to.Grantees
	}
	return relation.Without(to.Grantees, from.Grantees)
}

func (d *Definer) regrantSteps(ctx context.Context, tx pgx.Tx, from, to catalog.View) ([]plan.Step, error) {
	steps, err := relation.RevokeSteps(ctx, tx, to, relation.Without(from.Grantees, to.Grantees))
	if err != nil {
		return nil, err
	}
	more, err := relation.GrantSteps(ctx, tx, to, d.added(from, to))
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
	more, _, err := relation.Grantees(ctx, tx, added)
	if err != nil {
		return err
	}
	had.Grants = append(had.Grants, more...)
	return catalog.In(tx).RememberAs(ctx, v.ID, *had)
}
