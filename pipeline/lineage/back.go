package lineage

import (
	"fmt"
	"strings"
)

// View is one of the cache.
type View struct {
	Own     Lineage    // of its query alone
	Inputs  []Relation // views of the cache, as the query names them; of one that reads Redshift none
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

func (f followed) back(name Relation, above []Relation) Lineage {
	if found, is := f.done[name]; is {
		return found
	}
	view := f.views[name]
	for _, other := range above {
		if other == name {
			return Unknown(view.Columns, fmt.Sprintf("%s is computed from itself", name))
		}
	}
	found := view.Own
	if len(view.Inputs) > 0 {
		found = f.through(name, view, above)
	}
	f.done[name] = found
	return found
}

// through is what a view's own lineage comes to once its inputs are followed.
func (f followed) through(name Relation, view View, above []Relation) Lineage {
	above = append(above[:len(above):len(above)], name)
	below := map[Relation]Lineage{}
	rows := Trace{Unknown: view.Own.Unknown}
	for _, input := range view.Inputs {
		below[input] = f.back(input, above)
		rows = rows.And(Trace{Unknown: below[input].Unknown})
		for _, c := range below[input].Filters {
			rows = rows.And(Copy(c))
		}
	}
	for _, c := range view.Own.Filters {
		rows = rows.And(through(below, c))
	}
	all := Lineage{Filters: rows.Columns(), Unknown: rows.Unknown}
	for _, o := range view.Own.Outputs {
		t := Trace{Unknown: o.Unknown}
		for _, e := range o.From {
			from := through(below, e.From)
			if e.Kind == Changed {
				from = from.Changed()
			}
			t = t.And(from)
		}
		all.Outputs = append(all.Outputs, t.Output(o.Name))
	}
	return all
}

// through is what a column of an input comes from.
func through(below map[Relation]Lineage, c Column) Trace {
	for _, o := range below[c.Relation].Outputs {
		if o.Name != c.Column {
			continue
		}
		t := Trace{From: map[Column]Kind{}, Unknown: o.Unknown}
		for _, e := range o.From {
			t.From[e.From] = e.Kind
		}
		return t
	}
	return Trace{Unknown: strings.TrimSpace(fmt.Sprintf("%s has no column %s", c.Relation, c.Column))}
}
