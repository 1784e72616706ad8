package lineage

import (
	"maps"
	"slices"
	"strings"
)

// Reached is a view that is computed from another one, whatever lies between.
type Reached struct {
	View    Relation
	Through []Relation // those of its inputs by which it is reached
	Lineage            // down to columns of the other one, and of nothing else
}

// Forth is what is computed from a view, each behind what it is computed from: [Views.Back] the other way round. What cannot be
// said of a column, or of which rows there are, may come from the view.
func (v Views) Forth(from Relation) []Reached {
	list := v.reached(from)
	f := v.follow()
	for name, view := range v {
		if !slices.ContainsFunc(list, func(r Reached) bool { return r.View == name }) {
			f.done[name] = itself(name, view.Columns) // where it ends
		}
	}
	for i, r := range list {
		list[i].Lineage = f.back(r.View, nil).only(from)
	}
	return list
}

// itself is the lineage of what is not followed any further.
func itself(name Relation, columns []string) (l Lineage) {
	for _, c := range columns {
		l.Outputs = append(l.Outputs, Copy(Column{name, c}).Output(c))
	}
	return l
}

// reached finds what reads a view, or reads what does.
func (v Views) reached(from Relation) (list []Reached) {
	done, is := map[Relation]bool{from: true}, map[Relation]bool{from: true}
	var visit func(Relation)
	visit = func(r Relation) {
		if done[r] {
			return
		}
		done[r] = true
		var through []Relation
		for _, input := range v[r].Inputs {
			if visit(input); is[input] {
				through = append(through, input)
			}
		}
		if through != nil {
			is[r], list = true, append(list, Reached{View: r, Through: through})
		}
	}
	for _, r := range slices.SortedFunc(maps.Keys(v), func(a, b Relation) int { return strings.Compare(a.String(), b.String()) }) {
		visit(r)
	}
	return list
}

// only is what of a lineage leads to one relation.
func (l Lineage) only(to Relation) Lineage {
	left := Lineage{Unknown: l.Unknown}
	for _, o := range l.Outputs {
		out := Output{Name: o.Name, Unknown: o.Unknown}
		for _, e := range o.From {
			if e.From.Relation == to {
				out.From = append(out.From, e)
			}
		}
		left.Outputs = append(left.Outputs, out)
	}
	for _, c := range l.Filters {
		if c.Relation == to {
			left.Filters = append(left.Filters, c)
		}
	}
	return left
}
