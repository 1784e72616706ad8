package parse

import (
	"fmt"
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/redcache/redcache/pipeline/lineage"
)

// item is what stands behind FROM: relations, and what a star makes of them.
type item struct {
	relations []*relation
	star      []column
	open      string // why a star may be more; empty: that is all
	merged    map[string]trace
}

func (s *scope) add(i item) {
	s.relations = append(s.relations, i.relations...)
	for name, t := range i.merged {
		if s.merged == nil {
			s.merged = map[string]trace{}
		}
		s.merged[name] = t
	}
}

func itemOf(rel *relation) item {
	i := item{relations: []*relation{rel}, star: rel.columns, open: rel.open}
	if !rel.closed() && i.open == "" {
		i.open = fmt.Sprintf("the columns of %s are not known", rel.alias)
	}
	return i
}

// from reads one item behind FROM. What decides in it which rows there are is added to filters.
func (r reading) from(node *pg.Node, s *scope, filters *trace) item {
	switch {
	case node.GetRangeVar() != nil:
		return itemOf(r.table(node.GetRangeVar(), s, filters))
	case node.GetJoinExpr() != nil:
		return r.join(node.GetJoinExpr(), s, filters)
	case node.GetRangeSubselect() != nil:
		sub := node.GetRangeSubselect()
		around := s.outer
		if sub.Lateral {
			around = s
		}
		t := r.query(sub.Subquery.GetSelectStmt(), &scope{outer: around, with: s.with})
		*filters = filters.And(t.filters)
		return itemOf(r.renamed(&relation{table: t}, sub.Alias))
	case node.GetRangeFunction() != nil:
		return r.function(node.GetRangeFunction(), s, filters)
	case node.GetRangeTableSample() != nil:
		return r.from(node.GetRangeTableSample().Relation, s, filters)
	}
	return item{open: "the parser knows something behind FROM that this does not", relations: []*relation{{
		table: table{open: "the parser knows something behind FROM that this does not"},
	}}}
}

// table is a relation with a name: of the database, of WITH, or a path into a value of one that stands before it.
func (r reading) table(v *pg.RangeVar, s *scope, filters *trace) *relation {
	schema, name := r.fold(v.Schemaname), r.fold(v.Relname)
	if schema == "" {
		if t := s.named(name); t != nil {
			*filters = filters.And(t.filters)
			return r.renamed(&relation{alias: name, table: table{columns: slices.Clone(t.columns), open: t.open}}, v.Alias)
		}
	} else if r.remote {
		first := schema
		if v.Catalogname != "" {
			first = r.fold(v.Catalogname)
		}
		if in := s.called("", first); in != nil {
			parts := []string{schema, name}
			if v.Catalogname != "" {
				parts = []string{first, schema, name}
			}
			value := column{name: name, trace: r.name(parts, s).Changed()}
			return r.renamed(&relation{alias: name, path: true, table: table{columns: []column{value}}}, v.Alias)
		}
	}
	base := lineage.Relation{Schema: schema, Name: name}
	rel := &relation{schema: schema, alias: name}
	columns, known := r.columns(base)
	if !known {
		rel.base = &base
	}
	for _, c := range columns {
		rel.columns = append(rel.columns, column{name: r.fold(c), named: true, trace: lineage.Copy(lineage.Column{Relation: base, Column: c})})
	}
	return r.renamed(rel, v.Alias)
}

// renamed gives a relation the alias that it has, and the names of its columns.
func (r reading) renamed(rel *relation, alias *pg.Alias) *relation {
	if alias == nil {
		return rel
	}
	rel.alias, rel.schema = r.fold(alias.Aliasname), ""
	for i, node := range alias.Colnames {
		if i >= len(rel.columns) {
			rel.base, rel.open = nil, fmt.Sprintf("%s has names for columns that are not known", rel.alias)
			break
		}
		rel.columns[i].name, rel.columns[i].named = r.fold(node.GetString_().GetSval()), true
	}
	return rel
}

// function is what a function behind FROM returns: all of it comes from what it is given.
func (r reading) function(f *pg.RangeFunction, s *scope, filters *trace) item {
	given := r.children(f.Functions, s).Changed()
	*filters = filters.And(given) // it says how many rows there are
	rel := r.renamed(&relation{path: true, table: table{columns: []column{{trace: given}}}}, f.Alias)
	if f.Alias == nil || len(f.Alias.Colnames) == 0 {
		rel.columns[0].name = rel.alias
	}
	return itemOf(rel)
}

func (r reading) join(j *pg.JoinExpr, s *scope, filters *trace) item {
	left := r.from(j.Larg, s, filters)
	inner := &scope{relations: slices.Clone(s.relations), merged: s.merged, with: s.with, outer: s.outer}
	inner.add(left)
	right := r.from(j.Rarg, inner, filters)
	inner.add(right)
	both := item{relations: append(left.relations, right.relations...), open: left.open, merged: map[string]trace{}}
	if both.open == "" {
		both.open = right.open
	}
	using := names(r, j.UsingClause)
	if j.IsNatural {
		if both.open != "" {
			why := "a NATURAL JOIN, of which " + both.open
			both.relations = []*relation{{table: table{open: why}}}
			*filters = filters.And(trace{Unknown: why})
			return both
		}
		using = common(left.star, right.star)
	}
	for _, name := range using {
		of := func(i item) trace {
			t, is := (&scope{relations: i.relations, merged: i.merged}).bare(name)
			if !is {
				t = trace{Unknown: "nobody knows what " + name + " is"}
			}
			return t
		}
		l, rt := of(left), of(right)
		*filters = filters.And(l, rt)
		switch j.Jointype {
		case pg.JoinType_JOIN_RIGHT:
			both.merged[name] = rt
		case pg.JoinType_JOIN_FULL:
			both.merged[name] = l.And(rt).Changed()
		default:
			both.merged[name] = l
		}
		both.star = append(both.star, column{name: name, named: true, trace: both.merged[name]})
	}
	*filters = filters.And(r.value(j.Quals, inner))
	for _, c := range append(slices.Clone(left.star), right.star...) {
		if !slices.Contains(using, c.name) {
			both.star = append(both.star, c)
		}
	}
	for _, i := range []item{left, right} {
		for name, t := range i.merged {
			if _, is := both.merged[name]; !is {
				both.merged[name] = t
			}
		}
	}
	if j.Alias != nil {
		return itemOf(r.renamed(&relation{table: table{columns: both.star, open: both.open}}, j.Alias))
	}
	return both
}

func names(r reading, nodes []*pg.Node) (all []string) {
	for _, node := range nodes {
		all = append(all, r.fold(node.GetString_().GetSval()))
	}
	return all
}

// common are the names that both have, in the order of the first.
func common(left, right []column) (both []string) {
	for _, l := range left {
		if slices.ContainsFunc(right, func(c column) bool { return c.name == l.name }) {
			both = append(both, l.name)
		}
	}
	return both
}
