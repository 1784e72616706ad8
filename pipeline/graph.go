package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// Read is a place in a query where a relation is named.
type Read struct {
	redshift.Reference
	View *View // that it is; nil: a table on Redshift
}

// link finds out what each view reads and where its query runs.
func (p *Project) link() (problems Problems) {
	named, names := map[catalog.Name]*View{}, []string{}
	for _, v := range p.Views {
		named[v.Name] = v
		names = append(names, v.Name.String())
	}
	for _, v := range p.Views {
		if v.Draft.Query != nil && !v.foreign {
			problems = append(problems, v.refer(named)...)
		}
	}
	if circle := p.circle(); circle != nil {
		return append(problems, circleProblem(circle))
	}
	for _, v := range p.Sorted() {
		problems = append(problems, v.settle(names)...)
	}
	return problems
}

// refer finds the relations that a query names.
func (v *View) refer(named map[catalog.Name]*View) Problems {
	places, err := redshift.References(*v.Draft.Query, "")
	if why, is := errors.AsType[*redshift.UntrustedError](err); is {
		return Problems{v.problem(v.queryAt, why.Reason, "Write SCHEMA.NAME; or, where all that it names is on Redshift, @names redshift into the header.")}
	}
	if err != nil {
		return Problems{v.problem(v.queryAt, err.Error(), "")}
	}
	var problems Problems
	for _, place := range places {
		if place.Schema == "" {
			problems = append(problems, v.problem(v.queryAt+place.From, place.Name+" is named without its schema",
				"Write schema."+place.Name+": who runs the query may have another search_path."))
			continue
		}
		read := Read{place, named[catalog.Name{Schema: place.Schema, View: place.Name}]}
		v.Reads = append(v.Reads, read)
		if read.View != nil && !slices.Contains(v.Inputs, read.View) {
			v.Inputs = append(v.Inputs, read.View)
		}
	}
	return problems
}

// settle decides which server runs the query: the one that has all that it reads. names are those of all views.
func (v *View) settle(names []string) (problems Problems) {
	var table, view *Read // the first of either that it reads
	for i, read := range v.Reads {
		switch {
		case read.View == nil && table == nil:
			table = &v.Reads[i]
		case read.View != nil && view == nil:
			view = &v.Reads[i]
		}
	}
	v.Runs = FromRedshift
	if view != nil && table == nil {
		v.Runs = FromCache
	}
	wrong := func(r *Read, what, fix string) Problems {
		return Problems{v.problem(v.queryAt+r.From, fmt.Sprintf(what, v.said(r)), fix)}
	}
	switch {
	case v.Source == FromCache && v.foreign:
		return Problems{v.problem(0, "@names redshift says that it runs on Redshift, and @source cache that it does not", "Leave one of them out.")}
	case v.Source == FromCache && table != nil:
		return wrong(table, "the cache does not have %s, and the query is to run there", v.meant(table, names)+"Leave @source cache out, or make it a view with a file of its own.")
	case v.Source == FromRedshift && view != nil, view != nil && table != nil:
		fix := "Leave @source redshift out: a view of the cache is read there."
		if table != nil {
			fix = v.meant(table, names) + "Make " + v.said(table) + " a view with a file of its own, so that all is in the cache; or name the tables that " + v.said(view) + " reads."
		}
		return wrong(view, "Redshift does not have %s, which is kept in the cache", fix)
	}
	return nil
}

// meant is the view that somebody may have meant who named another relation.
func (v *View) meant(r *Read, names []string) string {
	if near := infra.Nearest(r.Schema+"."+r.Name, names); near != "" && near != v.Name.String() {
		return "Do you mean " + near + "? If not: "
	}
	return ""
}

func (v *View) said(r *Read) string { return (*v.Draft.Query)[r.From:r.To] }

// Sorted are the views, each behind all that it reads. There must be no circle.
func (p *Project) Sorted() (sorted []*View) {
	done := map[*View]bool{}
	var visit func(v *View)
	visit = func(v *View) {
		if done[v] {
			return
		}
		done[v] = true
		for _, input := range v.Inputs {
			visit(input)
		}
		sorted = append(sorted, v)
	}
	for _, v := range p.Views {
		visit(v)
	}
	return sorted
}

// circle returns views that read each other in a circle, the first one again at the end.
func (p *Project) circle() (circle []*View) {
	done := map[*View]bool{}
	var visit func(v *View, way []*View) bool
	visit = func(v *View, way []*View) bool {
		if at := slices.Index(way, v); at >= 0 {
			circle = append(slices.Clone(way[at:]), v)
			return true
		}
		if done[v] {
			return false
		}
		done[v] = true
		way = append(way, v)
		return slices.ContainsFunc(v.Inputs, func(input *View) bool { return visit(input, way) })
	}
	for _, v := range p.Views {
		if visit(v, nil) {
			break
		}
	}
	return circle
}

func circleProblem(circle []*View) Problem {
	names := make([]string, len(circle))
	for i, v := range circle {
		names[i] = v.Name.String()
	}
	v, next := circle[0], circle[1]
	i := slices.IndexFunc(v.Reads, func(r Read) bool { return r.View == next })
	return v.problem(v.queryAt+v.Reads[i].From, "the views read each other in a circle: "+strings.Join(names, " reads "),
		"A view has to be there before what reads it: take one of these references out.")
}

// ReadNames are the relations that it reads, each once, in the order of its query.
func (v *View) ReadNames() (names []string) {
	for i := range v.Reads {
		if name := v.said(&v.Reads[i]); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
