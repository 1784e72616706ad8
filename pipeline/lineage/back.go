package lineage

import (
	"fmt"
	"strings"
)

// View is one of the cache.
type View struct {
	Query   string
	Local   bool       // it reads Inputs, and not Redshift
	Inputs  []Relation // views of the cache, as the query names them
	Columns []string   // as the server has described them
}

// Views are views of the cache, by their names.
type Views map[Relation]View

// Back is the lineage of a view down to what is no view of the cache: the tables of Redshift.
func (v Views) Back(view Relation) Lineage { return v.follow().back(view, nil) }

// All is that of each view.
func (v Views) All() map[Relation]Lineage {
	f := v.follow()
	for name := range v {
		f.back(name, nil)
	}
	return f.done
}

// followed keeps what has been found of views on which others stand.
type followed struct {
	views Views
	done  map[Relation]Lineage
}

func (v Views) follow() followed { return followed{v, map[Relation]Lineage{}} }

// of is the lineage of a view's own query.
func (v Views) of(view View) Lineage {
	if !view.Local {
		return OfRemote(view.Query, view.Columns, func(Relation) ([]string, bool) { return nil, false })
	}
	return OfLocal(view.Query, view.Columns, func(r Relation) ([]string, bool) {
		input, is := v[r]
		return input.Columns, is
	})
}

func (f followed) back(name Relation, above []Relation) Lineage {
	if found, is := f.done[name]; is {
		return found
	}
	view := f.views[name]
	for _, other := range above {
		if other == name {
			return unknown(view.Columns, fmt.Sprintf("%s is computed from itself", name))
		}
	}
	found := f.views.of(view)
	if view.Local {
		found = f.through(name, view, found, above)
	}
	f.done[name] = found
	return found
}

// through is what a view's own lineage is once its inputs are followed.
func (f followed) through(name Relation, view View, own Lineage, above []Relation) Lineage {
	above = append(above[:len(above):len(above)], name)
	below := map[Relation]Lineage{}
	rows := trace{unknown: own.Unknown}
	for _, input := range view.Inputs {
		below[input] = f.back(input, above)
		rows = rows.and(trace{unknown: below[input].Unknown})
		for _, c := range below[input].Filters {
			rows = rows.and(copied(c))
		}
	}
	for _, c := range own.Filters {
		rows = rows.and(through(below, c))
	}
	all := Lineage{Filters: sorted(rows), Unknown: rows.unknown}
	for _, o := range own.Outputs {
		t := trace{unknown: o.Unknown}
		for _, e := range o.From {
			from := through(below, e.From)
			if e.Kind == Changed {
				from = from.changed()
			}
			t = t.and(from)
		}
		all.Outputs = append(all.Outputs, column{trace: t}.output(o.Name))
	}
	return all
}

// through is what a column of an input comes from.
func through(below map[Relation]Lineage, c Column) trace {
	for _, o := range below[c.Relation].Outputs {
		if o.Name != c.Column {
			continue
		}
		t := trace{from: map[Column]Kind{}, unknown: o.Unknown}
		for _, e := range o.From {
			t.from[e.From] = e.Kind
		}
		return t
	}
	return trace{unknown: strings.TrimSpace(fmt.Sprintf("%s has no column %s", c.Relation, c.Column))}
}
