package lineage

import (
	"maps"
	"slices"
	"strings"
)

// Relation is what a query reads, as the query names it.
type Relation struct {
	Schema string `json:"schema,omitempty"`
	Name   string `json:"relation"`
}

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
	Column string `json:"column"`
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
	From Column `json:"from"`
	Kind Kind   `json:"kind"`
}

// Output is a column of a query, and what it comes from. One that comes from no column, a count of rows say, has no edges.
type Output struct {
	Name    string `json:"name"`
	From    []Edge `json:"from,omitempty"`    // by name
	Unknown string `json:"unknown,omitempty"` // why it cannot be said; empty: it can
}

// Lineage is what is known of a query.
type Lineage struct {
	Outputs []Output `json:"outputs"`
	Filters []Column `json:"filters,omitempty"` // which decide what rows there are; by name
	Unknown string   `json:"unknown,omitempty"` // why more may decide that; empty: these are all
}

// Of says whether it is that of a query with these columns.
func (l *Lineage) Of(columns []string) bool {
	return l != nil && slices.EqualFunc(l.Outputs, columns, func(o Output, c string) bool { return o.Name == c })
}

// Unknown is what is known of a query with these columns of which nothing can be said.
func Unknown(names []string, why string) Lineage {
	l := Lineage{Unknown: why}
	for _, name := range names {
		l.Outputs = append(l.Outputs, Output{Name: name, Unknown: why})
	}
	return l
}

// Trace is what a value comes from.
type Trace struct {
	From    map[Column]Kind
	Unknown string // why there may be more; empty: that is all
}

// Copy is what a copy of a column comes from.
func Copy(c Column) Trace { return Trace{From: map[Column]Kind{c: Copied}} }

// And is what both come from. What is changed in one of them is changed.
func (t Trace) And(others ...Trace) Trace {
	all := Trace{From: maps.Clone(t.From), Unknown: t.Unknown}
	for _, other := range others {
		for c, kind := range other.From {
			if all.From == nil {
				all.From = map[Column]Kind{}
			}
			if all.From[c] != Changed {
				all.From[c] = kind
			}
		}
		if all.Unknown == "" {
			all.Unknown = other.Unknown
		}
	}
	return all
}

// Changed is what a value comes from that is computed from this one.
func (t Trace) Changed() Trace {
	all := Trace{From: make(map[Column]Kind, len(t.From)), Unknown: t.Unknown}
	for c := range t.From {
		all.From[c] = Changed
	}
	return all
}

// Columns are what it comes from, by name.
func (t Trace) Columns() []Column {
	return slices.SortedFunc(maps.Keys(t.From), func(a, b Column) int { return strings.Compare(a.String(), b.String()) })
}

// Output is a column of a query that comes from that.
func (t Trace) Output(name string) Output {
	o := Output{Name: name, Unknown: t.Unknown}
	if t.Unknown == "" {
		for _, from := range t.Columns() {
			o.From = append(o.From, Edge{from, t.From[from]})
		}
	}
	return o
}
