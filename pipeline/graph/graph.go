// Package graph says which of the views that are there read which, down to the tables of Redshift.
//
// The hard idea is that there is nothing to keep: the queries are the graph. What a local view reads is stored with it, as
// PostgreSQL has proven it. What a remote one reads is found by a lexer, which only advises: where it cannot tell, the view
// says so, and the graph is no less of use.
package graph

import (
	"cmp"
	"slices"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/redshift"
)

// Kind is what a node is.
type Kind string

// The kinds of nodes.
const (
	Table  Kind = "table"  // or a view, on Redshift
	Remote Kind = "remote" // a view of the cache that reads Redshift
	Local  Kind = "local"  // a view of the cache that reads others
)

// Node is a view of the cache, or what one reads on Redshift.
type Node struct {
	Kind    Kind
	Name    string        // as people write it; a table may be without a schema, as a query may name it
	Link    string        // through which Redshift is read; empty: it is local
	View    *catalog.View // nil: a table
	Inputs  []*Node       // that it reads, in the order of its query
	Readers []*Node
	Unknown string // why it may read more; empty: these are all
}

// Graph is nodes, each behind all that it reads, and else by name.
type Graph []*Node

// Of is the graph of the views that are there.
func Of(views []catalog.View) Graph {
	b := builder{views: map[catalog.Name]*Node{}, tables: map[table]*Node{}}
	sorted := slices.SortedFunc(slices.Values(views), func(a, b catalog.View) int {
		return cmp.Or(cmp.Compare(a.Name.Schema, b.Name.Schema), cmp.Compare(a.Name.View, b.Name.View))
	})
	for _, v := range sorted {
		b.views[v.Name] = &Node{Kind: Remote, Name: v.Name.String(), Link: v.LinkName, View: &v}
		if v.Kind == catalog.LocalSource {
			b.views[v.Name].Kind = Local
		}
	}
	for _, v := range sorted {
		b.read(b.views[v.Name])
	}
	done := map[*Node]bool{}
	for _, v := range sorted {
		b.add(b.views[v.Name], done)
	}
	return b.graph
}

// table is one on Redshift, as a link has it.
type table struct {
	link string
	redshift.Relation
}

type builder struct {
	views  map[catalog.Name]*Node
	tables map[table]*Node
	graph  Graph
}

// read finds what a view reads.
func (b *builder) read(n *Node) {
	v := n.View
	if n.Kind == Local {
		for _, name := range v.Inputs() {
			if input := b.views[name]; input != nil {
				n.reads(input)
			}
		}
		return
	}
	places, err := redshift.References(v.Query, v.Link.Database)
	if err != nil {
		n.Unknown = err.Error()
	}
	for _, place := range places {
		t := table{v.LinkName, place.Relation}
		if b.tables[t] == nil {
			b.tables[t] = &Node{Kind: Table, Name: nameOf(place.Relation), Link: v.LinkName}
		}
		n.reads(b.tables[t])
	}
}

func (n *Node) reads(input *Node) {
	if !slices.Contains(n.Inputs, input) {
		n.Inputs, input.Readers = append(n.Inputs, input), append(input.Readers, n)
	}
}

func nameOf(r redshift.Relation) string {
	if r.Schema == "" {
		return strings.TrimPrefix(catalog.Name{Schema: "s", View: r.Name}.String(), "s.")
	}
	return catalog.Name{Schema: r.Schema, View: r.Name}.String()
}

// add puts a node behind its inputs. What reads itself, which nothing does that the engine has made, ends there.
func (b *builder) add(n *Node, done map[*Node]bool) {
	if done[n] {
		return
	}
	done[n] = true
	for _, input := range n.Inputs {
		b.add(input, done)
	}
	b.graph = append(b.graph, n)
}

// Views are those of the graph, each behind all that it reads.
func (g Graph) Views() (views []catalog.View) {
	for _, n := range g {
		if n.View != nil {
			views = append(views, *n.View)
		}
	}
	return views
}

// Around is what a view reads, and what reads it, whatever lies between; nothing, when there is no such view.
func (g Graph) Around(name catalog.Name) Graph {
	i := slices.IndexFunc(g, func(n *Node) bool { return n.View != nil && n.View.Name == name })
	if i < 0 {
		return nil
	}
	in := map[*Node]bool{}
	mark(g[i], in, func(n *Node) []*Node { return n.Inputs })
	delete(in, g[i])
	mark(g[i], in, func(n *Node) []*Node { return n.Readers })
	return g.only(in)
}

func mark(n *Node, in map[*Node]bool, next func(*Node) []*Node) {
	if !in[n] {
		in[n] = true
		for _, other := range next(n) {
			mark(other, in, next)
		}
	}
}

// only is a part of the graph.
func (g Graph) only(in map[*Node]bool) (part Graph) {
	copies := map[*Node]*Node{}
	for _, n := range g {
		if !in[n] {
			continue
		}
		left := &Node{Kind: n.Kind, Name: n.Name, Link: n.Link, View: n.View, Unknown: n.Unknown}
		for _, input := range n.Inputs {
			if copies[input] != nil {
				left.reads(copies[input])
			}
		}
		copies[n], part = left, append(part, left)
	}
	return part
}
