package relation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/sql"
)

// Condition is in what state the published view and the generations of a view are: others may have dropped, moved or
// changed them since.
type Condition struct {
	Published catalog.Published
	relations []catalog.Relation // by number
}

func ConditionOf(ctx context.Context, db catalog.DB, v catalog.View) (c Condition, err error) {
	if c.Published, err = PublishedOf(ctx, db, v); err != nil {
		return c, err
	}
	if c.relations, err = catalog.In(db).Relations(ctx, v.ID); err != nil || c.Published.Source == nil {
		return c, err
	}
	shown, err := catalog.In(db).Shown(ctx, v.Name)
	if r := c.Relation(c.Published.Generation); r != nil {
		r.Misled = shown.Misled(v.Name)
	}
	return c, err
}

// Relation finds a generation; nil when nothing has its name.
func (c Condition) Relation(generation *int32) *catalog.Relation {
	i := slices.IndexFunc(c.relations, func(r catalog.Relation) bool { return generation != nil && r.Number == *generation })
	if i < 0 {
		return nil
	}
	return &c.relations[i]
}

// Seen is the generation that readers see, if it can be read.
func (c Condition) Seen(v catalog.View, s catalog.State) *catalog.Relation {
	r := c.Relation(s.Generation)
	if s.Generation == nil || Worn(v, *s.Generation, r) != "" {
		return nil
	}
	return r
}

// Leftovers says whether there are generations that neither readers see nor runs write to.
func (c Condition) Leftovers(s catalog.State) bool {
	return slices.ContainsFunc(c.relations, func(r catalog.Relation) bool {
		return kindSQL[r.Kind] != "" && (r.State == "" || r.State == catalog.GenerationRetired)
	})
}

// highest is the last number of a generation: relations are looked for by so many digits.
const highest = 999_999_999

// Next is a number that no relation has yet.
func (c Condition) Next(after int32) int32 {
	if n := len(c.relations); n > 0 {
		after = max(after, c.relations[n-1].Number)
	}
	if after < highest {
		return max(after, 0) + 1
	}
	for after = 1; c.Relation(&after) != nil; after++ { // somebody has written a number there
	}
	return after
}

// Worn says why nothing can be read from a relation any more that readers have used, or written into it; empty: it can.
func Worn(v catalog.View, generation int32, r *catalog.Relation) string {
	name := catalog.DataSchema + "." + v.Relation(generation)
	switch {
	case r == nil:
		return name + " is gone: somebody has dropped, renamed or moved it"
	case kindSQL[r.Kind] == "", (r.Kind == "v") != r.Rowless:
		return name + " is something else by now"
	case !r.Owned:
		return name + " belongs to " + r.Owner + " by now"
	case !r.Filled:
		return name + " has been emptied WITH NO DATA"
	case r.Misled != "":
		return name + " does not show what is refreshed: " + r.Misled
	}
	return ""
}

// Lost says why runs cannot go on with the generation that they write to; empty: they can.
func (c Condition) Lost(v catalog.View, generation int32) string {
	r := c.Relation(&generation)
	if why := Worn(v, generation, r); why != "" {
		return why
	}
	names := make([]string, len(v.Columns))
	for i, column := range v.Columns {
		names[i] = column.Name
	}
	switch {
	case kindSQL[r.Kind] != relationKind(v):
		return catalog.DataSchema + "." + v.Relation(generation) + " is something else by now"
	case r.Odd != "":
		return catalog.DataSchema + "." + v.Relation(generation) + " " + r.Odd
	case len(Without(names, r.Columns)) > 0:
		return catalog.DataSchema + "." + v.Relation(generation) + " has lost columns"
	case c.unlike(v, r):
		return catalog.DataSchema + "." + v.Relation(generation) + " has columns of other types by now"
	case len(v.Key) > 0 && r.KeyIndex == nil:
		return catalog.DataSchema + "." + v.Relation(generation) + " has lost the index of its key"
	}
	return ""
}

// Mending is what gives readers their view back, as far as the rows are there that it is to show.
type Mending struct {
	Steps  []plan.Step
	Remark string
}

// Mending says what is to be done before a refresh goes on, or what keeps it from that.
func (c Condition) Mending(ctx context.Context, db catalog.DB, v catalog.View, s catalog.State) (m Mending, err error) {
	p := c.Published
	switch {
	case s.Generation == nil && p.Unrecorded():
		return m, p.UnrecordedError(v)
	case s.Generation == nil:
		return m, nil
	case p.OID != 0 && !p.Owned:
		return m, infra.Hinted(fmt.Errorf("view %s belongs to %s by now, which is not what Redcache works as", p.At, p.Owner),
			fmt.Sprintf("As %s, or as a superuser: ALTER VIEW %s OWNER TO the role of DATABASE_URL.", sql.Ident(p.Owner), p.At.SQL()))
	case !p.AtHome && p.TakenKind != "":
		return m, infra.Hinted(fmt.Errorf("view %s: its name belongs to a %s of %s by now, which Redcache has not made",
			v.Name, kinds[p.TakenKind], p.TakenBy),
			"Rename or drop that, and the next refresh makes the view again; or give the view up: "+
				infra.Command("cachectl", "drop-view", v.Name.String())+".")
	case p.OID != 0 && !p.AtHome:
		return c.moveBack(ctx, db, v)
	case p.OID == 0:
		return c.makeAgain(ctx, db, v, *s.Generation)
	case !slices.Contains(p.Reads, *s.Generation):
		return c.pointBack(v, *s.Generation)
	}
	return m, nil
}

// kinds are what pg_class calls relations, in words.
var kinds = map[string]string{
	"r": "table", "p": "table", "v": "view", "m": "materialized view", "f": "foreign table", "S": "sequence", "c": "type",
	"i": "index", "I": "index", "t": "table",
}

func (c Condition) moveBack(ctx context.Context, db catalog.DB, v catalog.View) (m Mending, err error) {
	at := c.Published.At
	m.Remark = fmt.Sprintf("somebody had moved the view to %s: it is back under its name", at)
	if m.Steps, err = SchemaSteps(ctx, db, v, c.Published); err != nil {
		return m, err
	}
	if at.Schema != v.Name.Schema {
		// Under a name that is free in both, for as long as it takes.
		passing := catalog.Name{Schema: at.Schema, View: fmt.Sprintf("redcache_moving_%d", v.ID)}
		m.Steps = append(m.Steps, renameStep(at, passing.View),
			plan.Exclusively(plan.Step{Title: "move view", SQL: "ALTER VIEW " + passing.SQL() + " SET SCHEMA " + sql.Ident(v.Name.Schema)}))
		at = catalog.Name{Schema: v.Name.Schema, View: passing.View}
	}
	m.Steps = append(m.Steps, renameStep(at, v.Name.View))
	return m, nil
}

func renameStep(view catalog.Name, to string) plan.Step {
	return plan.Exclusively(plan.Step{Title: "rename view", SQL: "ALTER VIEW " + view.SQL() + " RENAME TO " + sql.Ident(to)})
}

// makeAgain leaves a view alone of which the rows are gone, too: it is made when there are new ones.
func (c Condition) makeAgain(ctx context.Context, db catalog.DB, v catalog.View, seen int32) (m Mending, err error) {
	m.Remark = "somebody had dropped the view: it was made again"
	if had := c.Published.Remembered; had != nil {
		kept, lost, err := stillThere(ctx, db, *had)
		if err != nil {
			return m, err
		}
		now, err := rolesNow(ctx, db)
		if err != nil {
			return m, err
		}
		m.Remark += readersAgain(kept, now)
		if len(lost) > 0 {
			m.Remark += ", without " + strings.Join(lost, ", ")
		}
	}
	r := c.Relation(&seen)
	if Worn(v, seen, r) != "" || c.short(r) || c.retyped(r) {
		return m, nil
	}
	if m.Steps, err = SchemaSteps(ctx, db, v, c.Published); err != nil {
		return m, err
	}
	more, err := ViewSteps(ctx, db, v, c.Published.Remembered, seen, c.shown(v, r))
	m.Steps = append(m.Steps, more...)
	return m, err
}

// readersAgain says to whom a view is given back: what was revoked since it was last looked at is not known.
func readersAgain(had catalog.Decorations, now *roles) string {
	var roles []string
	for _, g := range had.Grants {
		if g.Right == "SELECT" && (g.Role == "" || !now.ours[g.Role]) {
			roles = append(roles, cmp.Or(g.Role, "everybody"))
		}
	}
	if roles == nil {
		return ""
	}
	return ", with what it had when it was last looked at: SELECT for " + strings.Join(roles, ", ")
}

// short says whether a generation has lost columns that its view had when it was last seen.
func (c Condition) short(r *catalog.Relation) bool {
	had := c.Published.Remembered
	return had != nil && slices.ContainsFunc(had.Columns, func(column catalog.DecoratedColumn) bool {
		return !slices.Contains(r.Columns, column.Name)
	})
}

// unlike says whether a generation has a column of another type than it was built with. Of an older one that is not known,
// but what its view had.
func (c Condition) unlike(v catalog.View, r *catalog.Relation) bool {
	for _, column := range v.Columns {
		i := slices.Index(r.Columns, column.Name)
		switch {
		case column.Local == "":
			return c.retyped(r)
		case i >= 0 && r.Types[i] != column.Local:
			return true
		}
	}
	return false
}

// retyped says whether a generation has a column of another type than its view had when it was last seen.
func (c Condition) retyped(r *catalog.Relation) bool {
	had := c.Published.Remembered
	return had != nil && slices.ContainsFunc(had.Columns, func(column catalog.DecoratedColumn) bool {
		i := slices.Index(r.Columns, column.Name)
		return i >= 0 && column.Type != "" && column.Type != r.Types[i]
	})
}

// shown are the columns of a generation that its view had, or would have: those of a materialized view are more.
func (c Condition) shown(v catalog.View, r *catalog.Relation) (columns []string) {
	if had := c.Published.Remembered; had != nil {
		for _, column := range had.Columns {
			columns = append(columns, column.Name)
		}
		return columns
	}
	for _, column := range v.Columns {
		if slices.Contains(r.Columns, column.Name) {
			columns = append(columns, column.Name)
		}
	}
	return columns
}

// pointBack has a view show the generation that the catalog says, unless somebody has given it another query.
func (c Condition) pointBack(v catalog.View, seen int32) (m Mending, err error) {
	r := c.Relation(&seen)
	switch {
	case c.Published.Altered:
		return m, infra.Hinted(fmt.Errorf("view %s: somebody has changed its query, and it does not show what is refreshed", v.Name),
			fmt.Sprintf("DROP VIEW %s, and the next refresh makes it again, with its grants.", v.Name.SQL()))
	case Worn(v, seen, r) != "":
		return m, nil
	}
	return Mending{
		Steps:  []plan.Step{RepointStep(v, c.Published.Decorations.Options, seen, c.shown(v, r))},
		Remark: "the view showed another generation: it was pointed back",
	}, nil
}
