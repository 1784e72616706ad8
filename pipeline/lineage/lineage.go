package lineage

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	pgquery "github.com/wasilibs/go-pgquery"

	"github.com/redcache/redcache/redshift"
)

// Relation is what a query reads, as the query names it.
type Relation struct{ Schema, Name string }

// String is the name, with its schema where the query has one.
func (r Relation) String() string {
	if r.Schema == "" {
		return r.Name
	}
	return r.Schema + "." + r.Name
}

// Column is one of a relation.
type Column struct {
	Relation
	Column string
}

// String is the name with that of its relation.
func (c Column) String() string { return c.Relation.String() + "." + c.Column }

// Kind is how a column comes from another one.
type Kind string

// The kinds of [Edge].
const (
	Copied  Kind = "copied"
	Changed Kind = "changed" // something is computed from it
)

// Edge is one column that another comes from.
type Edge struct {
	From Column
	Kind Kind
}

// Output is a column of a query, and what it comes from. One that comes from no column, a count of rows say, has no edges.
type Output struct {
	Name    string
	From    []Edge // by name
	Unknown string // why it cannot be said; empty: it can
}

// Lineage is what is known of a query.
type Lineage struct {
	Outputs []Output
	Filters []Column // which decide what rows there are; by name
	Unknown string   // why more may decide that; empty: these are all
}

// Columns says which columns a relation has, in order; false when that is not known.
type Columns func(Relation) ([]string, bool)

// OfRemote finds the lineage of a query of Redshift, whose columns are called so, as the server says; nil: as the parser does.
func OfRemote(query string, names []string, columns Columns) Lineage {
	text, err := redshift.AsPostgres(query)
	if err != nil {
		return unknown(names, err.Error())
	}
	return of(text, names, reading{columns: columns, remote: true})
}

// OfLocal finds the lineage of a query of PostgreSQL, whose columns are called so.
func OfLocal(query string, names []string, columns Columns) Lineage {
	return of(query, names, reading{columns: columns})
}

// reading is what all parts of a query have in common.
type reading struct {
	columns Columns
	remote  bool // Redshift folds quoted names as well, and looks into values of type SUPER
}

func (r reading) fold(name string) string {
	if r.remote {
		return strings.ToLower(name)
	}
	return name
}

func of(query string, names []string, r reading) Lineage {
	tree, err := pgquery.Parse(query)
	if err != nil {
		return unknown(names, "the parser does not understand it: "+err.Error())
	}
	if len(tree.Stmts) != 1 || tree.Stmts[0].Stmt.GetSelectStmt() == nil {
		return unknown(names, "it is not one SELECT")
	}
	found := r.query(tree.Stmts[0].Stmt.GetSelectStmt(), nil)
	found.fill(names)
	if names == nil && found.open == "" {
		for _, c := range found.columns {
			names = append(names, c.name)
		}
	}
	if why := r.differs(found, names); why != "" {
		return unknown(names, why)
	}
	l := Lineage{Filters: sorted(found.filters), Unknown: found.filters.unknown}
	for i, name := range names {
		l.Outputs = append(l.Outputs, found.columns[i].output(name))
	}
	return l
}

// differs says why what was found cannot be what the server reads.
func (r reading) differs(found table, names []string) string {
	if found.open != "" {
		return found.open
	}
	if len(found.columns) != len(names) {
		return fmt.Sprintf("the server says that it has %d columns, and the parser finds %d", len(names), len(found.columns))
	}
	for i, c := range found.columns {
		if c.named && r.fold(c.name) != r.fold(names[i]) {
			return fmt.Sprintf("the server calls column %d %s, and the parser %s", i+1, names[i], c.name)
		}
	}
	return ""
}

func unknown(names []string, why string) Lineage {
	l := Lineage{Unknown: why}
	for _, name := range names {
		l.Outputs = append(l.Outputs, Output{Name: name, Unknown: why})
	}
	return l
}

// trace is what a value comes from.
type trace struct {
	from    map[Column]Kind
	unknown string // why there may be more; empty: that is all
}

func copied(c Column) trace { return trace{from: map[Column]Kind{c: Copied}} }

// and is what both come from. What is changed in one of them is changed.
func (t trace) and(others ...trace) trace {
	all := trace{from: maps.Clone(t.from), unknown: t.unknown}
	for _, other := range others {
		for c, kind := range other.from {
			if all.from == nil {
				all.from = map[Column]Kind{}
			}
			if all.from[c] != Changed {
				all.from[c] = kind
			}
		}
		if all.unknown == "" {
			all.unknown = other.unknown
		}
	}
	return all
}

// changed is what a value comes from that is computed from this one.
func (t trace) changed() trace {
	all := trace{from: make(map[Column]Kind, len(t.from)), unknown: t.unknown}
	for c := range t.from {
		all.from[c] = Changed
	}
	return all
}

func sorted(t trace) []Column {
	return slices.SortedFunc(maps.Keys(t.from), func(a, b Column) int { return strings.Compare(a.String(), b.String()) })
}

// column is one that a part of a query returns.
type column struct {
	name  string
	named bool // by the query, and not by what the server makes of an expression
	trace
}

func (c column) output(name string) Output {
	o := Output{Name: name, Unknown: c.unknown}
	if c.unknown == "" {
		for _, from := range sorted(c.trace) {
			o.From = append(o.From, Edge{from, c.from[from]})
		}
	}
	return o
}

// table is what a part of a query returns.
type table struct {
	columns []column
	filters trace
	open    string // why there may be other columns; empty: these are all
	gap     *gap   // where they are, if they are all of one relation
}

// gap is where a star stands for all columns of a relation, and nobody has told which these are.
type gap struct {
	at   int
	base Relation
}

// fill closes a gap with what the server calls the columns there. They are copies, whatever their number.
func (t *table) fill(names []string) {
	if t.gap == nil || len(names) < len(t.columns) {
		return
	}
	var own []column
	for _, name := range names[t.gap.at : len(names)-len(t.columns)+t.gap.at] {
		own = append(own, column{name: name, named: true, trace: copied(Column{t.gap.base, name})})
	}
	t.columns, t.open, t.gap = slices.Insert(t.columns, t.gap.at, own...), "", nil
}

func (t table) all() trace {
	var all trace
	for _, c := range t.columns {
		all = all.and(c.trace)
	}
	if t.open != "" && all.unknown == "" {
		all.unknown = t.open
	}
	return all
}
