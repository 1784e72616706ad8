package relation

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
)

// roles are those of the server now, to hold what is remembered against: a role of another name or number is another one.
type roles struct {
	names map[uint32]string
	ours  map[string]bool // the current role has their rights
	lost  []string        // what could not be kept
}

func rolesNow(ctx context.Context, db catalog.DB) (*roles, error) {
	rows, err := db.Query(ctx, `SELECT r.oid, r.rolname::text, pg_catalog.pg_has_role(r.oid, 'USAGE') FROM pg_catalog.pg_roles r`)
	if err != nil {
		return nil, fmt.Errorf("look for roles: %w", err)
	}
	all := &roles{names: map[uint32]string{0: ""}, ours: map[string]bool{"": true}}
	var oid uint32
	var name string
	var owned bool
	_, err = pgx.ForEachRow(rows, []any{&oid, &name, &owned}, func() error {
		all.names[oid], all.ours[name] = name, owned
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for roles: %w", err)
	}
	return all, nil
}

// keep leaves out the rights of roles that are gone, and those that only somebody else could grant.
func (r *roles) keep(grants []catalog.Grant) []catalog.Grant {
	return slices.DeleteFunc(slices.Clone(grants), func(g catalog.Grant) bool {
		name, found := r.names[g.OID]
		gone := g.By != "" || !found || name != g.Role
		if gone {
			r.lost = append(r.lost, g.Right+" of "+cmp.Or(g.Role, "PUBLIC"))
		}
		return gone
	})
}

func (r *roles) keepColumns(columns []catalog.DecoratedColumn) []catalog.DecoratedColumn {
	columns = slices.Clone(columns)
	for i := range columns {
		columns[i].Grants = r.keep(columns[i].Grants)
	}
	return columns
}

// stillThere leaves out what cannot be given back to a view that was dropped; lost says what that is.
func stillThere(ctx context.Context, db catalog.DB, d catalog.Decorations) (kept catalog.Decorations, lost []string, err error) {
	now, err := rolesNow(ctx, db)
	if err != nil {
		return d, nil, err
	}
	d.Grants, d.Columns, d.SchemaGrants = now.keep(d.Grants), now.keepColumns(d.Columns), now.keep(d.SchemaGrants)
	if !now.ours[d.Owner] {
		now.lost, d.Owner = append(now.lost, "ownership of "+d.Owner), ""
	}
	return d, append(now.lost, d.Fixed...), nil
}

// belowStillThere leaves out rights on a generation that was dropped. A policy for roles of which one is gone stays as it
// is, and fails where it is made again: it may be what keeps others from seeing rows.
func belowStillThere(ctx context.Context, db catalog.DB, c catalog.Carried) (catalog.Carried, error) {
	now, err := rolesNow(ctx, db)
	if err != nil {
		return c, err
	}
	c.Grants, c.Columns = now.keep(c.Grants), now.keepColumns(c.Columns)
	return c, nil
}
