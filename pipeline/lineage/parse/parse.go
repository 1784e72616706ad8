package parse

import (
	"fmt"
	"slices"
	"strings"

	pgquery "github.com/wasilibs/go-pgquery"

	"github.com/redcache/redcache/pipeline/lineage"
	"github.com/redcache/redcache/redshift"
)

// Columns says which columns a relation has, in order; false when that is not known.
type Columns func(lineage.Relation) ([]string, bool)

// OfRemote finds the lineage of a query of Redshift, whose columns are called so, as the server says; nil: as the parser does.
func OfRemote(query string, names []string, columns Columns) lineage.Lineage {
	text, err := redshift.AsPostgres(query)
	if err != nil {
		return lineage.Unknown(names, err.Error())
	}
	return of(text, names, reading{columns: columns, remote: true})
}

// OfLocal finds the lineage of a query of PostgreSQL, whose columns are called so.
func OfLocal(query string, names []string, columns Columns) lineage.Lineage {
	return of(query, names, reading{columns: columns})
}

// Queries are those of views of the cache, by their names.
type Queries map[lineage.Relation]Query

// Views reads all queries of which nothing is known yet.
func Views(queries Queries) lineage.Views {
	views := lineage.Views{}
	for name, q := range queries {
		v := lineage.View{Inputs: q.Inputs, Columns: q.Columns}
		if q.Known != nil {
			v.Own = *q.Known
		} else {
			v.Own = q.Read(queries)
		}
		views[name] = v
	}
	return views
}

// Query is that of a view.
type Query struct {
	Text    string
	Local   bool               // it reads Inputs, and not Redshift
	Inputs  []lineage.Relation // views of the cache, as it names them
	Columns []string           // as the server has described them
	Known   *lineage.Lineage   // nil: it has to be read
}

// Read is the lineage of a query among others that it may read.
func (q Query) Read(among Queries) lineage.Lineage {
	if !q.Local {
		return OfRemote(q.Text, q.Columns, func(lineage.Relation) ([]string, bool) { return nil, false })
	}
	return OfLocal(q.Text, q.Columns, func(r lineage.Relation) ([]string, bool) {
		input, is := among[r]
		return input.Columns, is
	})
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

func of(query string, names []string, r reading) lineage.Lineage {
	tree, err := pgquery.Parse(query)
	if err != nil {
		return lineage.Unknown(names, "the parser does not understand it: "+err.Error())
	}
	if len(tree.Stmts) != 1 || tree.Stmts[0].Stmt.GetSelectStmt() == nil {
		return lineage.Unknown(names, "it is not one SELECT")
	}
	found := r.query(tree.Stmts[0].Stmt.GetSelectStmt(), nil)
	found.fill(names)
	if names == nil && found.open == "" {
		for _, c := range found.columns {
			names = append(names, c.name)
		}
	}
	if why := r.differs(found, names); why != "" {
		return lineage.Unknown(names, why)
	}
	l := lineage.Lineage{Filters: found.filters.Columns(), Unknown: found.filters.Unknown}
	for i, name := range names {
		l.Outputs = append(l.Outputs, found.columns[i].Output(name))
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

// trace is what a value comes from.
type trace = lineage.Trace

// column is one that a part of a query returns.
type column struct {
	name  string
	named bool // by the query, and not by what the server makes of an expression
	trace
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
	base lineage.Relation
}

// fill closes a gap with what the server calls the columns there. They are copies, whatever their number.
func (t *table) fill(names []string) {
	if t.gap == nil || len(names) < len(t.columns) {
		return
	}
	var own []column
	for _, name := range names[t.gap.at : len(names)-len(t.columns)+t.gap.at] {
		own = append(own, column{name: name, named: true, trace: lineage.Copy(lineage.Column{Relation: t.gap.base, Column: name})})
	}
	t.columns, t.open, t.gap = slices.Insert(t.columns, t.gap.at, own...), "", nil
}

func (t table) all() trace {
	var all trace
	for _, c := range t.columns {
		all = all.And(c.trace)
	}
	if t.open != "" && all.Unknown == "" {
		all.Unknown = t.open
	}
	return all
}
