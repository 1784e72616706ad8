package grants

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// role is a role of the cache database's server. The zero OID is PUBLIC.
type role struct {
	OID       uint32 `db:"oid"`
	Name      string `db:"rolname"`
	Superuser bool   `db:"rolsuper"`
}

// predefined tells the roles that come with the server. They are nobody; whoever has one is looked at by himself.
func (r role) predefined() bool { return strings.HasPrefix(r.Name, "pg_") }

// readsAll is the predefined role that may read every relation and use every schema.
const readsAll = "pg_read_all_data"

// people are the roles of a server and what they are of each other.
type people struct {
	all    []role
	byOID  map[uint32]role
	byName map[string]role

	inheritFrom map[uint32][]uint32 // whose permissions a role has without doing anything
	switchTo    map[uint32][]uint32 // who it can become with SET ROLE
	inherited   map[uint32]paths    // results of reach
	switched    map[uint32]paths
}

// paths tell how one role comes to others: by each, the one before it. The first is its own.
type paths struct {
	order  []uint32
	before map[uint32]uint32
}

// peopleOf reads all roles and memberships.
func peopleOf(ctx context.Context, tx pgx.Tx) (*people, error) {
	p := &people{
		byOID: map[uint32]role{}, byName: map[string]role{},
		inheritFrom: map[uint32][]uint32{}, switchTo: map[uint32][]uint32{},
		inherited: map[uint32]paths{}, switched: map[uint32]paths{},
	}
	rows, err := tx.Query(ctx, `SELECT oid, rolname, rolsuper FROM pg_catalog.pg_roles ORDER BY rolname`)
	if err == nil {
		p.all, err = pgx.CollectRows(rows, pgx.RowToStructByName[role])
	}
	if err != nil {
		return nil, fmt.Errorf("read roles: %w", err)
	}
	for _, r := range p.all {
		p.byOID[r.OID], p.byName[r.Name] = r, r
	}
	return p, p.readMemberships(ctx, tx)
}

// readMemberships reads who is in which role. Up to 15 a role inherits or does not; since 16 each membership says so,
// and whether it allows SET ROLE. The owner of the database is in pg_database_owner without being listed.
func (p *people) readMemberships(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `
		SELECT m.member, m.roleid,
		       coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, r.rolinherit),
		       coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)
		FROM pg_catalog.pg_auth_members m
		JOIN pg_catalog.pg_roles r ON r.oid = m.member
		UNION ALL
		SELECT d.datdba, o.oid, true, false
		FROM pg_catalog.pg_database d, pg_catalog.pg_roles o
		WHERE d.datname = current_database() AND o.rolname = 'pg_database_owner'
		ORDER BY 1, 2`)
	if err != nil {
		return fmt.Errorf("read memberships: %w", err)
	}
	var member, of uint32
	var inherits, switches bool
	_, err = pgx.ForEachRow(rows, []any{&member, &of, &inherits, &switches}, func() error {
		if inherits {
			p.inheritFrom[member] = append(p.inheritFrom[member], of)
		}
		if switches {
			p.switchTo[member] = append(p.switchTo[member], of)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read memberships: %w", err)
	}
	return nil
}

// inherits returns a role and those whose permissions it has as its own.
func (p *people) inherits(of uint32) paths { return reach(p.inherited, p.inheritFrom, of) }

// becomes returns a role and those that it can become.
func (p *people) becomes(of uint32) paths { return reach(p.switched, p.switchTo, of) }

func reach(known map[uint32]paths, steps map[uint32][]uint32, from uint32) paths {
	if found, ok := known[from]; ok {
		return found
	}
	found := paths{order: []uint32{from}, before: map[uint32]uint32{from: from}}
	for i := 0; i < len(found.order); i++ {
		at := found.order[i]
		for _, next := range steps[at] {
			if _, seen := found.before[next]; !seen {
				found.order = append(found.order, next)
				found.before[next] = at
			}
		}
	}
	known[from] = found
	return found
}

// has tells whether a role is among them. PUBLIC always is.
func (p paths) has(oid uint32) bool {
	_, found := p.before[oid]
	return found || oid == 0
}

// to returns the memberships that lead to a role, in order; none for the first one itself.
func (p paths) to(oid uint32) (steps []uint32) {
	for at := oid; at != p.order[0]; at = p.before[at] {
		steps = append([]uint32{at}, steps...)
	}
	return steps
}

// names are what roles are called.
func (p *people) names(oids []uint32) []string {
	names := make([]string, len(oids))
	for i, oid := range oids {
		names[i] = p.byOID[oid].Name
	}
	return names
}
