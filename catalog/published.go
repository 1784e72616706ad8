package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// Grant is one right that somebody has on a published view, on a column of it, or on its schema.
type Grant struct {
	Role    string `json:"role"` // empty: PUBLIC
	OID     uint32 `json:"oid"`  // of the role; 0: PUBLIC
	Right   string `json:"right"`
	Passing bool   `json:"passing"` // with grant option
	By      string `json:"by"`      // who granted it, when that is not the owner
}

// DecoratedColumn is what is on a column of a published view, or of a generation.
type DecoratedColumn struct {
	Name       string  `json:"name"`
	Type       string  `json:"type,omitempty"` // of a published view; older ones are remembered without
	Comment    *string `json:"comment"`
	Default    *string `json:"default"`
	Statistics *int    `json:"statistics"` // the target, of a generation
	Grants     []Grant `json:"grants"`
}

// Decorations are what people have put on a published view, beside what depends on it.
type Decorations struct {
	OID          uint32            `json:"oid"`
	Options      []string          `json:"options"` // like security_barrier=true
	Comment      *string           `json:"comment"`
	Grants       []Grant           `json:"grants"`        // nil: nobody has ever granted or revoked anything
	SchemaGrants []Grant           `json:"schema_grants"` // the same
	Columns      []DecoratedColumn `json:"columns"`
	Fixed        []string          `json:"fixed"` // what no other view can be given: "trigger t"
	Owner        string            `json:"owner"` // if that is another role
	Below        *Carried          `json:"below"` // on the generation that readers see; nil: there was none
}

// Published is where the published view of a cached view is, and what stands under its name.
type Published struct {
	ID           int32
	Generation   *int32  // that readers are to see; nil: none
	Source       *Source // by which that was made, if it has no rows
	Astray       string  // what that reads, and is no published view of what its query names: "s.v, which belongs to r"
	SchemaExists bool
	TakenKind    string // pg_class.relkind of what stands under the view's name; empty: nothing
	TakenBy      string // its owner

	OID         uint32 // of the published view; 0: there is none
	AtHome      bool   // it has its name
	At          Name   `db:"-"` // where it is
	Owner       string
	Owned       bool    // the current role has its owner's rights
	Reads       []int32 // generations that it reads
	Emptied     bool    // the generation that it is to show is a materialized view WITH NO DATA
	Altered     bool    // its query is not the one that was published
	Changed     bool    // what is on it is not what is remembered
	Remembered  *Decorations
	Decorations *Decorations // now
	Below       *Carried     // on the generation that readers see now; nil: there is none
}

// Problem says what is wrong with a published view itself; empty: nothing. What it shows may be wrong all the same, see
// [Shown.Misled].
func (p Published) Problem() string {
	switch {
	case p.Generation == nil && p.Unrecorded():
		return p.unrecorded()
	case p.Generation == nil:
		return ""
	case p.OID != 0 && !p.Owned:
		return "it belongs to " + p.Owner + " by now, who may not read its rows"
	case !p.AtHome && p.TakenKind != "":
		return "another relation has its name, which belongs to " + p.TakenBy
	case p.OID != 0 && !p.AtHome:
		return "somebody has moved it to " + p.At.String()
	case p.OID == 0:
		return "somebody has dropped it"
	case p.Altered:
		return "somebody has changed its query"
	case !slices.Contains(p.Reads, *p.Generation):
		return "it does not show the generation that is refreshed"
	case p.Emptied:
		return "its rows are gone (WITH NO DATA): somebody has emptied them, or a restore could not read Redshift"
	case p.Secluded():
		return "it asks with its readers' rights (security_invoker), and only its owner has any on its rows"
	}
	return ""
}

// Unrecorded says whether a view shows a generation, of which the catalog does not say that it shows any.
func (p Published) Unrecorded() bool { return p.OID != 0 && len(p.Reads) > 0 }

func (p Published) unrecorded() string {
	return fmt.Sprintf("it shows generation %d, and redcache.generation does not say so", p.Reads[0])
}

// UnrecordedError is of a view that shows a generation of which the catalog does not say so.
func (p Published) UnrecordedError(v View) error {
	return infra.Hinted(fmt.Errorf("view %s: %s: somebody has changed that table", v.Name, p.unrecorded()),
		fmt.Sprintf("UPDATE redcache.generation SET state = 'published' WHERE view_id = %d AND number = %d; or, where there is no such row, "+
			"DROP VIEW %s, and the next refresh makes it again, with its grants.", v.ID, p.Reads[0], v.Name.SQL()))
}

// Secluded says whether a view asks with the rights of whoever reads it, and its generation is nobody's but its owner's.
func (p Published) Secluded() bool {
	if p.Decorations == nil || p.Below == nil || !slices.ContainsFunc(p.Decorations.Options, asksAsReader) {
		return false
	}
	others := func(g Grant) bool { return g.Right == "SELECT" && g.Role != p.Owner }
	return !slices.ContainsFunc(p.Below.Grants, others) && !slices.ContainsFunc(p.Below.Columns, func(c DecoratedColumn) bool {
		return slices.ContainsFunc(c.Grants, others)
	})
}

func asksAsReader(option string) bool {
	value, found := strings.CutPrefix(option, "security_invoker=")
	return found && slices.Contains([]string{"true", "on", "yes", "1"}, strings.ToLower(value))
}

type publishedRow struct {
	Published
	Name
}

// Published returns where the published views are: of one view, or of all with viewID nil. The rows of views that have
// never been published say so little.
func (s Store) Published(ctx context.Context, viewID *int32) (map[int32]Published, error) {
	ask, args := sql.AllPublished, []any(nil)
	if viewID != nil {
		ask, args = sql.Published, []any{*viewID}
	}
	rows, err := collect[publishedRow](ctx, s.db, ask, args...)
	if err != nil {
		return nil, fmt.Errorf("look for published views: %w", err)
	}
	all := make(map[int32]Published, len(rows))
	for _, row := range rows {
		row.Published.At = row.Name
		all[row.ID] = row.Published
	}
	return all, nil
}

// Remember keeps what is on a view's published view now, for the case that somebody drops it. It belongs at the end of
// a transaction: it locks the view's state.
func (s Store) Remember(ctx context.Context, viewID int32) error {
	if _, err := s.db.Exec(ctx, sql.Remember, viewID); err != nil {
		return fmt.Errorf("remember grants: %w", err)
	}
	return nil
}

// RememberAround is [Store.Remember] of a view whose query somebody has changed: what is on it is kept, and the query that
// was published stays the one that is ours.
func (s Store) RememberAround(ctx context.Context, viewID int32) error {
	var rule *string
	err := s.db.QueryRow(ctx, `SELECT published ->> 'query' FROM redcache.state WHERE view_id = $1`, viewID).Scan(&rule)
	if err != nil {
		return fmt.Errorf("remember grants: %w", err)
	}
	if err := s.Remember(ctx, viewID); err != nil {
		return err
	}
	_, err = s.db.Exec(ctx, `UPDATE redcache.state SET published = pg_catalog.jsonb_set(published, '{query}', pg_catalog.to_jsonb($2::text))
		WHERE view_id = $1 AND $2::text IS NOT NULL`, viewID, rule)
	if err != nil {
		return fmt.Errorf("remember grants: %w", err)
	}
	return nil
}

// RememberAs replaces what is remembered of a published view that somebody has dropped.
func (s Store) RememberAs(ctx context.Context, viewID int32, d Decorations) error {
	_, err := s.db.Exec(ctx, `UPDATE redcache.state SET published = $2 WHERE view_id = $1`, viewID, d)
	if err != nil {
		return fmt.Errorf("remember grants: %w", err)
	}
	return nil
}

// Everybody says whether a definition means everybody by the name of a role; unless there is a role of that name, which
// PostgreSQL allows for PUBLIC, and not for public.
func Everybody(grantee string) bool { return grantee == "public" || grantee == "PUBLIC" }

// Relation is a relation that is named like a generation of a view.
type Relation struct {
	OID      uint32 `db:"oid"`
	Number   int32
	State    GenerationState // empty: the catalog knows of none
	Rowless  bool            // the catalog says that it is a view, or knows nothing of it, and it is one
	Kind     string          // pg_class.relkind
	Owner    string
	Owned    bool // the current role has its owner's rights
	Filled   bool
	Guarded  bool // by row-level security
	Forced   bool // for the owner as well
	Columns  []string
	Types    []string // of the columns
	Odd      string   // what keeps it from being used, whatever is in it: "is UNLOGGED by now"
	Stripped bool     // its owner has not all rights any more
	Extended bool     // a column or index of it is of a type, function or operator that PostgreSQL does not bring
	Faceless bool     // its rows have no replica identity
	KeyIndex *string  // by which they could have one
	Filter   *string  // a trigger that runs before a row is written, and can change it or keep it away
	Trap     *string  // a trigger of a stranger, who would have its owner run it
	Fixed    []string
	Misled   string `db:"-"` // why it does not show what is refreshed, if it has no rows, and readers see it
}

// Relations returns the relations that are named like generations of a view, by number.
func (s Store) Relations(ctx context.Context, viewID int32) ([]Relation, error) {
	relations, err := collect[Relation](ctx, s.db, sql.Relations, viewID)
	if err != nil {
		return nil, fmt.Errorf("look for generations: %w", err)
	}
	return relations, nil
}

// Reader is a relation that reads others.
type Reader struct {
	OID  uint32 `db:"oid"`
	Kind string // pg_class.relkind
	Name
}

// Above returns relations and what reads them, among the generations of those names, in the order in which all can be
// dropped.
func (s Store) Above(ctx context.Context, relations []uint32, generations []string) ([]Reader, error) {
	readers, err := collect[Reader](ctx, s.db, sql.Above, relations, generations)
	if err != nil {
		return nil, fmt.Errorf("look for what reads views: %w", err)
	}
	return readers, nil
}

// Policy is a policy of row-level security.
type Policy struct {
	Name       string   `json:"name"`
	Permissive bool     `json:"permissive"`
	Command    string   `json:"command"` // as pg_policy has it
	Roles      []string `json:"roles"`   // the nameless one is PUBLIC
	Using      *string  `json:"using"`
	Check      *string  `json:"check"`
}

// Carried is what people have put on a generation, and what the next one is given as well.
type Carried struct {
	Owner   uint32            `json:"owner"`
	Grants  []Grant           `json:"grants"` // nil: nobody has ever granted or revoked anything
	Options []string          `json:"options"`
	Columns []DecoratedColumn `json:"columns"`
	// Materialized and Rowless say what the generation is.
	Materialized bool     `json:"materialized"`
	Rowless      bool     `json:"rowless"`
	Guarded      bool     `json:"guarded"`
	Forced       bool     `json:"forced"`
	Policies     []Policy `json:"policies"`
}
