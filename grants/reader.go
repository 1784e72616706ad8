package grants

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
)

//go:embed relations.sql
var relationsSQL string

//go:embed entries.sql
var entriesSQL string

// relation is something from which the rows of a cached view can be read.
type relation struct {
	ViewID     int32
	OID        uint32 `db:"oid"`
	SchemaOID  uint32 `db:"schema_oid"`
	SchemaName string
	Name       string
	Kind       string
	Owner      uint32
	Ours       bool
	Invoker    bool // its readers need their own permissions on what lies below
	Below      []uint32
}

func (r relation) name() catalog.Name { return catalog.Name{Schema: r.SchemaName, View: r.Name} }

// entry is one grant.
type entry struct {
	OfSchema    bool
	OID         uint32 `db:"oid"`
	Grantee     uint32
	Grantor     uint32
	ColumnName  string
	IsGrantable bool
}

// database is who may read what in the cache database, as one transaction sees it.
type database struct {
	*people
	relations map[int32][]relation // by view, each as long as it shows rows to whoever may SELECT it
	selects   map[uint32][]entry   // by relation
	usage     map[uint32][]entry   // by schema
	usable    map[[2]uint32]bool   // role and schema: results of mayUse
}

// databaseOf reads what concerns the views.
func databaseOf(ctx context.Context, tx pgx.Tx, views []catalog.View) (*database, error) {
	people, err := peopleOf(ctx, tx)
	if err != nil {
		return nil, err
	}
	d := &database{
		people: people, relations: map[int32][]relation{}, selects: map[uint32][]entry{}, usage: map[uint32][]entry{},
		usable: map[[2]uint32]bool{},
	}
	ids := make([]int32, len(views))
	for i, v := range views {
		ids[i] = v.ID
	}
	found, err := collect[relation](ctx, tx, relationsSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("read what shows the views: %w", err)
	}
	var oids, schemas []uint32
	for _, r := range found {
		oids, schemas = append(oids, r.OID), append(schemas, r.SchemaOID)
		d.relations[r.ViewID] = append(d.relations[r.ViewID], r)
	}
	entries, err := collect[entry](ctx, tx, entriesSQL, oids, schemas)
	if err != nil {
		return nil, fmt.Errorf("read grants: %w", err)
	}
	for _, e := range entries {
		if e.OfSchema {
			d.usage[e.OID] = append(d.usage[e.OID], e)
		} else {
			d.selects[e.OID] = append(d.selects[e.OID], e)
		}
	}
	for id, relations := range d.relations {
		d.relations[id] = d.showing(relations)
	}
	return d, nil
}

func collect[T any](ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}

// showing leaves out views whose owner may not read what lies below: they fail, whoever asks. A materialized view keeps
// what its owner could read once. What a view with security_invoker shows is for its reader to be allowed, but a view
// over that one may ask as somebody else.
func (d *database) showing(relations []relation) (shown []relation) {
	shows := map[uint32]bool{}
	for again := true; again; {
		again = false
		for _, r := range relations {
			if shows[r.OID] {
				continue
			}
			shows[r.OID] = r.Ours || slices.ContainsFunc(relations, func(below relation) bool {
				return shows[below.OID] && slices.Contains(r.Below, below.OID) &&
					(r.Kind == "m" || r.Invoker || below.Invoker || d.maySelect(r.Owner, below))
			})
			again = again || shows[r.OID]
		}
	}
	for _, r := range relations {
		if shows[r.OID] && (r.Ours || !r.Invoker) {
			shown = append(shown, r)
		}
	}
	return shown
}

// maySelect tells whether a role may read some column of a relation without becoming anybody else.
func (d *database) maySelect(who uint32, r relation) bool {
	return len(d.waysAs(who, r)) > 0
}

// mayUse tells whether a role may use a relation's schema without becoming anybody else.
func (d *database) mayUse(who uint32, r relation) bool {
	at := [2]uint32{who, r.SchemaOID}
	can, known := d.usable[at]
	if known {
		return can
	}
	inherits := d.inherits(who)
	everything := func(oid uint32) bool { return d.byOID[oid].Name == readsAll }
	can = d.byOID[who].Superuser || slices.ContainsFunc(inherits.order, everything) ||
		slices.ContainsFunc(d.usage[r.SchemaOID], func(e entry) bool { return inherits.has(e.Grantee) })
	d.usable[at] = can
	return can
}

// waysAs returns the ways by which a role may read a relation without becoming anybody else.
func (d *database) waysAs(who uint32, r relation) (ways []Way) {
	inherits := d.inherits(who)
	add := func(via Via, to uint32, column, grantor string) {
		way := Way{Via: via, Through: d.names(inherits.to(to)), Grantor: grantor, Ours: r.Ours}
		for i := range ways {
			if ways[i].same(way) {
				if column == "" || len(ways[i].Columns) == 0 {
					ways[i].Columns = nil // all
				} else {
					ways[i].Columns = append(ways[i].Columns, column)
				}
				return
			}
		}
		if column != "" {
			way.Columns = []string{column}
		}
		ways = append(ways, way)
	}
	for _, oid := range inherits.order {
		switch {
		case oid == r.Owner:
			add(ViaOwner, oid, "", "")
		case d.byOID[oid].Superuser && oid == who, d.byOID[oid].Name == readsAll:
			add(ViaEverything, oid, "", "")
		}
	}
	for _, e := range d.selects[r.OID] {
		grantor := ""
		if e.Grantor != r.Owner {
			grantor = d.byOID[e.Grantor].Name
		}
		switch {
		case e.Grantee == 0:
			add(ViaPublic, who, e.ColumnName, grantor)
		case e.Grantee != r.Owner && inherits.has(e.Grantee):
			add(ViaGrant, e.Grantee, e.ColumnName, grantor)
		}
	}
	return ways
}

// ways returns all ways by which a role can read a view, as itself or as somebody that it can become.
func (d *database) ways(who uint32, v catalog.View) (ways []Way) {
	becomes := d.becomes(who)
	for _, r := range d.relations[v.ID] {
		for _, as := range becomes.order {
			if !d.mayUse(as, r) {
				continue
			}
			for _, way := range d.waysAs(as, r) {
				way.Through = append(d.names(becomes.to(as)), way.Through...)
				if r.name() != v.Name {
					way.Relation = r.name().String()
				}
				known := func(w Way) bool {
					return w.same(way) || way.Via == ViaPublic && w.Via == ViaPublic && w.Relation == way.Relation
				}
				if !slices.ContainsFunc(ways, known) {
					ways = append(ways, way)
				}
			}
		}
	}
	return ways
}

// publicWays returns the grants to PUBLIC, whether or not everybody may use the schema: somebody may.
func (d *database) publicWays(v catalog.View) (ways []Way) {
	for _, r := range d.relations[v.ID] {
		for _, e := range d.selects[r.OID] {
			way := Way{Via: ViaPublic, Ours: r.Ours}
			if r.name() != v.Name {
				way.Relation = r.name().String()
			}
			if e.Grantor != r.Owner {
				way.Grantor = d.byOID[e.Grantor].Name
			}
			if e.Grantee == 0 && !slices.ContainsFunc(ways, way.same) {
				ways = append(ways, way)
			}
		}
	}
	return ways
}

// everybody tells whether a definition means everybody by a name, and no role of that name.
func (d *database) everybody(grantee string) bool {
	_, role := d.byName[grantee]
	return catalog.Everybody(grantee) && !role
}

// owns tells whether a role owns the published view.
func (d *database) owns(who uint32, v catalog.View) bool {
	return slices.ContainsFunc(d.relations[v.ID], func(r relation) bool { return r.Ours && r.Owner == who })
}
