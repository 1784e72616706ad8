package parse

import (
	"fmt"
	"maps"

	"github.com/redcache/redcache/pipeline/lineage"
)

// scope is what names may mean in a SELECT.
type scope struct {
	relations []*relation
	merged    map[string]trace  // columns that USING or NATURAL has made one of two
	earlier   []column          // of the list of columns, in Redshift, which may be used by those after them
	with      map[string]*table // what stands behind WITH
	outer     *scope
}

// relation is one that names can mean.
type relation struct {
	schema, alias string
	table
	base *lineage.Relation // it has columns that nobody knows: any name may be one of them
	path bool              // what a value of type SUPER holds: whatever is looked for in it comes from that
}

// named is the query behind WITH that has a name here; nil when there is none.
func (s *scope) named(name string) *table {
	for ; s != nil; s = s.outer {
		if t := s.with[name]; t != nil {
			return t
		}
	}
	return nil
}

// called is the relation with a name here, or outside; nil when there is none.
func (s *scope) called(schema, name string) *relation {
	for ; s != nil; s = s.outer {
		for _, rel := range s.relations {
			if rel.alias == name && (schema == "" || schema == rel.schema) {
				return rel
			}
		}
	}
	return nil
}

// column is a column of the relation; false when it has none of that name.
func (rel *relation) column(name string) (trace, bool) {
	for _, c := range rel.columns {
		if c.name == name {
			return c.trace, true
		}
	}
	switch {
	case rel.path:
		return rel.all().Changed(), true
	case rel.base != nil:
		return lineage.Copy(lineage.Column{Relation: *rel.base, Column: name}), true
	case rel.open != "":
		return trace{Unknown: rel.open}, true
	}
	return trace{}, false
}

// has says whether the relation is known to have a column.
func (rel *relation) has(name string) bool {
	for _, c := range rel.columns {
		if c.name == name {
			return true
		}
	}
	return false
}

// closed says whether all its columns are known.
func (rel *relation) closed() bool { return rel.base == nil && !rel.path && rel.open == "" }

// bare is what a name alone means. Where it can mean two things, it is unknown; false when it means nothing here.
func (s *scope) bare(name string) (trace, bool) {
	if s == nil {
		return trace{}, false
	}
	if t, is := s.merged[name]; is {
		return t, true
	}
	var known, open []*relation
	for _, rel := range s.relations {
		switch {
		case rel.has(name):
			known = append(known, rel)
		case !rel.closed():
			open = append(open, rel)
		}
	}
	switch {
	case len(known) == 1:
		return known[0].column(name)
	case len(known) > 1:
		return trace{Unknown: fmt.Sprintf("%s may be of %s or of %s", name, known[0].alias, known[1].alias)}, true
	case len(open) == 0:
		if t, is := s.alias(name); is {
			return t, true
		}
		return s.outer.bare(name)
	}
	t, other := s.alias(name)
	if t.Unknown == "" && len(open) == 1 {
		if own, _ := open[0].column(name); own.Unknown == "" && maps.Equal(own.From, t.From) {
			return own, true // as in SELECT a … GROUP BY a: it is the same, whichever it is
		}
	}
	if other || len(open) > 1 {
		return trace{Unknown: fmt.Sprintf("%s may be of %s, whose columns are not known, or not", name, open[0].alias)}, true
	}
	if _, other := s.outer.bare(name); other {
		return trace{Unknown: fmt.Sprintf("%s may be of %s, whose columns are not known, or of the query around it", name, open[0].alias)}, true
	}
	return open[0].column(name)
}

// alias is a column of the list that is being read.
func (s *scope) alias(name string) (trace, bool) {
	for _, c := range s.earlier {
		if c.named && c.name == name {
			return c.trace, true
		}
	}
	return trace{}, false
}

// wordless are words that stand for a value, and for no column, where there is none of that name.
var wordless = map[string]bool{"sysdate": true, "current_user_id": true}

// name is what a name with its parts means.
func (r reading) name(parts []string, s *scope) trace {
	for i := range parts {
		parts[i] = r.fold(parts[i])
	}
	for n := min(len(parts)-1, 3); n > 0; n-- { // alias.column, schema.relation.column, database.schema.relation.column
		schema := ""
		if n > 1 {
			schema = parts[n-2]
		}
		rel := s.called(schema, parts[n-1])
		if rel == nil {
			continue
		}
		t, is := rel.column(parts[n])
		if !is {
			return trace{Unknown: fmt.Sprintf("%s has no column %s", rel.alias, parts[n])}
		}
		if len(parts) > n+1 {
			return t.Changed()
		}
		return t
	}
	if t, is := s.bare(parts[0]); is {
		if len(parts) > 1 {
			if !r.remote {
				return trace{Unknown: fmt.Sprintf("%s is no relation that the query reads", parts[0])}
			}
			return t.Changed() // into a value
		}
		return t
	}
	if rel := s.called("", parts[0]); rel != nil && len(parts) == 1 { // a whole row
		return rel.all().Changed()
	}
	if len(parts) == 1 && wordless[parts[0]] {
		return trace{}
	}
	return trace{Unknown: fmt.Sprintf("nobody knows what %s is", parts[0])}
}
