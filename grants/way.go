package grants

import (
	"fmt"
	"slices"
	"strings"
)

// Via is what lets a role read.
type Via string

// What lets a role read.
const (
	ViaGrant      Via = "grant"      // one of its own, or of the role at the end of its memberships
	ViaPublic     Via = "public"     // a grant to PUBLIC
	ViaOwner      Via = "owner"      // a membership in the owner
	ViaEverything Via = "everything" // a membership in a superuser, or in pg_read_all_data
	ViaDefinition Via = "definition" // the view's definition, which grants when it is published
)

// Way is one of the ways by which a role reads a cached view.
type Way struct {
	Via     Via
	Through []string // memberships, in order; none: by itself
	Columns []string // the only ones that the grant covers; none: all
	Grantor string   // who granted it, when that is not the relation's owner
	// Relation is what is read, when it is not the published view: a generation, or a view that reads the published one.
	Relation string
	Ours     bool // the relation is the published view, or a generation of it
}

// String says it behind the word "reads": "by its own grant on columns a, b".
func (w Way) String() string {
	var b strings.Builder
	if len(w.Through) > 0 {
		b.WriteString("membership in " + strings.Join(w.Through, ", in "))
	}
	switch {
	case w.Via == ViaPublic && len(w.Through) == 0:
		b.WriteString("the grant to PUBLIC")
	case w.Via == ViaPublic:
		b.WriteString(", and the grant to PUBLIC")
	case w.Via == ViaDefinition:
		b.WriteString("the view's definition")
	case w.Via == ViaOwner && len(w.Through) > 0:
		b.WriteString(", who owns it")
	case w.Via == ViaOwner:
		b.WriteString("ownership")
	case len(w.Through) == 0:
		b.WriteString("its own grant")
	}
	if len(w.Columns) > 0 {
		fmt.Fprintf(&b, " on columns %s", strings.Join(w.Columns, ", "))
	}
	if w.Grantor != "" {
		fmt.Fprintf(&b, " by %s", w.Grantor)
	}
	if w.Relation != "" {
		fmt.Fprintf(&b, " on %s", w.Relation)
	}
	return b.String()
}

// revocable tells whether a revocation by the owner, from the role itself, closes the way.
func (w Way) revocable() bool {
	granted := w.Via == ViaGrant || w.Via == ViaPublic
	return w.Via == ViaDefinition || granted && w.Ours && w.Grantor == "" && len(w.Through) == 0
}

func (w Way) same(other Way) bool {
	return w.Via == other.Via && w.Grantor == other.Grantor && w.Relation == other.Relation &&
		slices.Equal(w.Through, other.Through)
}
