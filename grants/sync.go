package grants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/sql"
)

// lockPatience is how long a change of grants waits for a refresh of the view to end.
const lockPatience = 30 * time.Second

// Change is what a sync did to one view, or would do.
type Change struct {
	View       catalog.Name
	Statements []string // in order; none when there was nothing to revoke
	Revoked    []Reader // who could read before, and cannot now, or not after the next publication
	Left       []Reader // an excess that others have to end: a membership, a view of theirs, a grant that they made
	// Loses are roles that were allowed, and read only by a grant that had to go: one to PUBLIC, or to a role that they
	// are in. Nobody is granted anything, so somebody has to.
	Loses []string
}

// ChangedError says that a view's query changed between the look at Redshift and the revocation, which did not happen.
type ChangedError struct{ View catalog.Name }

// Error implements error.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("view %s: its query has just been changed", e.View)
}

// Hint says what to do.
func (e *ChangedError) Hint() string {
	return "Run the command again: the query may read something else now."
}

// NobodyError says that a sync would have taken the views of a link from all who read them, since the mapping names no
// role as somebody whom Redshift knows there. Nothing was changed. A mapping that was forgotten looks so, or one that is
// for another warehouse.
type NobodyError struct {
	Link  string
	Empty bool // the mapping has no entry at all
}

// Error implements error.
func (e *NobodyError) Error() string {
	if e.Empty {
		return "no role is mapped to anybody on Redshift, so everybody would lose the views"
	}
	return fmt.Sprintf("the mapping names no role of this database as somebody whom Redshift knows behind link %s, "+
		"so everybody would lose its views", e.Link)
}

// Hint says what to do.
func (e *NobodyError) Hint() string {
	return "Say who the readers are on Redshift with --map or --map-file. To take the views from everybody, add --revoke-all."
}

// errDryRun undoes a transaction that was only to show what would happen.
var errDryRun = errors.New("dry run")

// Sync revokes the excess of the views of the names, or of all without any, each view in a transaction of its own under
// its lock. It changes nothing where there is no excess, so to do it again changes nothing. With dryRun, each transaction
// is rolled back in the end. The changes until then are returned also with an error, which is that of [Auditor.Audit],
// a [*lock.HeldError] when a refresh of the view does not end in time, a [*ChangedError], or, before any change, a
// [*NobodyError].
func (a *Auditor) Sync(
	ctx context.Context, names []catalog.Name, dryRun bool,
) (changes []Change, notes []string, err error) {
	s, err := a.survey(ctx, names)
	if err != nil {
		return nil, nil, err
	}
	var d *database
	err = infra.InTx(ctx, a.pool, infra.Limits{}, func(tx pgx.Tx) (err error) {
		d, err = databaseOf(ctx, tx, s.views)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	notes = append(s.notes, a.strangers(d)...)
	var excessive []catalog.View
	for _, v := range s.views {
		if !slices.ContainsFunc(a.judge(d, s, v).Readers, Reader.Excess) {
			continue
		}
		for _, origin := range s.origins[v.ID] {
			if err := a.knowSomebody(d, s, origin.Link); err != nil {
				return nil, notes, err
			}
		}
		excessive = append(excessive, v)
	}
	for _, v := range excessive {
		change, err := a.syncView(ctx, s, v, dryRun)
		if err != nil {
			return changes, notes, fmt.Errorf("revoke on view %s: %w", v.Name, err)
		}
		changes = append(changes, change)
	}
	return changes, notes, nil
}

// knowSomebody refuses to take the views of a link from all who read them, unless that was asked for.
func (a *Auditor) knowSomebody(d *database, s *survey, l catalog.Link) error {
	if a.cfg.RevokeAll {
		return nil
	}
	for name, identity := range a.cfg.Mapping {
		if _, here := d.byName[name]; here && s.warehouses[l.ID].absent(identity) == "" {
			return nil
		}
	}
	return &NobodyError{Link: l.Name, Empty: len(a.cfg.Mapping) == 0}
}

func (a *Auditor) syncView(ctx context.Context, s *survey, v catalog.View, dryRun bool) (change Change, err error) {
	err = infra.InTx(ctx, a.pool, infra.Limits{}, func(tx pgx.Tx) error {
		if err := lock.View(ctx, tx, v.ID, lockPatience); err != nil {
			return err
		}
		now, err := catalog.In(tx).View(ctx, v.Name)
		if err != nil {
			return err
		}
		if now.ID != v.ID || now.Query != v.Query || now.Link.ID != v.Link.ID {
			return &ChangedError{v.Name}
		}
		if change, err = a.revoke(ctx, tx, s, now); err == nil && dryRun {
			err = errDryRun
		}
		return err
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return change, err
}

// revoke judges again under the lock, takes away what can be taken, and looks at what is left then.
func (a *Auditor) revoke(ctx context.Context, tx pgx.Tx, s *survey, v catalog.View) (Change, error) {
	change := Change{View: v.Name}
	d, err := databaseOf(ctx, tx, []catalog.View{v})
	if err != nil {
		return change, err
	}
	before := a.judge(d, s, v)
	excess := map[string]bool{}
	for _, r := range before.Readers {
		if r.Excess() && slices.ContainsFunc(r.Ways, Way.revocable) {
			excess[r.Role] = true
		}
	}
	change.Statements = append(revocations(d, v, excess), undefine(d, &v, excess)...)
	for _, statement := range change.Statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return change, err
		}
	}
	if err := catalog.In(tx).Remember(ctx, v.ID); err != nil { // a view that is made again is not given back what is gone
		return change, err
	}
	if d, err = databaseOf(ctx, tx, []catalog.View{v}); err != nil {
		return change, err
	}
	change.compare(before, a.judge(d, s, v))
	return change, nil
}

// compare finds out what has become of each reader.
func (c *Change) compare(before, after Audit) {
	still := map[string]Reader{}
	for _, r := range after.Readers {
		still[r.Role] = r
	}
	for _, r := range before.Readers {
		now, reads := still[r.Role]
		switch {
		case r.Excess() && reads:
			c.Left = append(c.Left, now)
		case r.Excess():
			c.Revoked = append(c.Revoked, r)
		case r.readsNow() && !now.readsNow():
			c.Loses = append(c.Loses, r.Role)
		}
	}
}

// revocations are the statements that take the grants on the view and its generations from roles. A grant that its
// holder could pass on goes with what came of it. A revocation from the whole relation covers its columns.
func revocations(d *database, v catalog.View, from map[string]bool) (statements []string) {
	for _, r := range d.relations[v.ID] {
		type grantee struct {
			name    string
			passing bool
		}
		var order []grantee
		for _, e := range d.selects[r.OID] {
			name, quoted := PUBLIC, PUBLIC
			if e.Grantee != 0 {
				name = label(d.byOID[e.Grantee].Name)
				quoted = sql.Ident(d.byOID[e.Grantee].Name)
			}
			if !r.Ours || !from[name] || e.Grantor != r.Owner {
				continue
			}
			i := slices.IndexFunc(order, func(g grantee) bool { return g.name == quoted })
			if i < 0 {
				order, i = append(order, grantee{name: quoted}), len(order)
			}
			order[i].passing = order[i].passing || e.IsGrantable
		}
		for _, g := range order {
			statement := "REVOKE SELECT ON " + r.name().SQL() + " FROM " + g.name
			if g.passing {
				statement += " CASCADE"
			}
			statements = append(statements, statement)
		}
	}
	return statements
}

// undefine takes roles out of a definition, in v and by a statement, if it has any of them.
func undefine(d *database, v *catalog.View, roles map[string]bool) []string {
	kept := slices.DeleteFunc(slices.Clone(v.Grantees), func(g string) bool {
		if d.everybody(g) {
			return roles[PUBLIC]
		}
		return roles[label(g)]
	})
	if len(kept) == len(v.Grantees) {
		return nil
	}
	v.Grantees = kept
	text, _ := json.Marshal(map[string][]string{"grantees": kept}) // texts
	return []string{
		fmt.Sprintf("UPDATE redcache.generation SET definition = definition || %s WHERE view_id = %d", sql.LiteralLine(string(text)), v.ID),
		fmt.Sprintf("UPDATE redcache.view SET changed_at = pg_catalog.clock_timestamp() WHERE id = %d", v.ID),
	}
}
