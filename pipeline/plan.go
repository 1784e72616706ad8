package pipeline

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// Way is how a change is applied.
type Way string

// The ways.
const (
	ByNothing Way = "nothing" // there is nothing to do
	ByCatalog Way = "catalog" // what is stored of it changes; its rows stay
	ByRebuild Way = "rebuild" // its rows are read or computed anew, beside what readers see
	ByDrop    Way = "drop"
)

// Planned is a change with what it comes to.
type Planned struct {
	Change
	Columns []catalog.Column // that it is to have; none of one that is removed, or of which nothing was asked
	Fields  []string         // of its definition, that change
	Adds    []string         // what readers may use and could not before
	Breaks  []string         // what readers may rely on and is no more
	Way     Way
}

// Plan puts what the servers have said to the changes.
func Plan(changes []Change, described []refresh.Described) (planned []Planned) {
	for _, c := range changes {
		p := Planned{Change: c, Way: ByNothing}
		if c.Kind == Removed {
			p.Way, p.Breaks = ByDrop, []string{"the view goes"}
		}
		at := slices.IndexFunc(described, func(d refresh.Described) bool { return d.Name == c.Name })
		if at >= 0 && described[at].After != nil {
			p.compare(described[at])
		}
		planned = append(planned, p)
	}
	return planned
}

// compare finds out what a change means for readers.
func (p *Planned) compare(d refresh.Described) {
	if p.Columns = d.After.Columns; d.Rebuilds {
		p.Way = ByRebuild
	} else if p.Kind == Changed {
		p.Way = ByCatalog
	}
	if d.Before == nil {
		return
	}
	p.Fields = changedFields(d.Before.Definition, d.After.Definition)
	for _, c := range catalog.CompareColumns(d.Before.Columns, d.After.Columns) {
		if c.Breaks {
			p.Breaks = append(p.Breaks, c.Told)
		} else {
			p.Adds = append(p.Adds, c.Told)
		}
	}
	if was := d.Before.Key; len(was) > 0 && !slices.Equal(was, d.After.Key) {
		p.Breaks = append(p.Breaks, "rows are not identified by "+strings.Join(was, ", ")+" any more")
	}
}

// changedFields are the names of fields that differ, as docs/definitions.md has them.
func changedFields(before, after catalog.Definition) (names []string) {
	was, is := fieldsOf(before), fieldsOf(after)
	for _, name := range slices.Sorted(maps.Keys(is)) {
		if name != "source.references" && !reflect.DeepEqual(was[name], is[name]) {
			names = append(names, name)
		}
	}
	return names
}

func fieldsOf(d catalog.Definition) map[string]any {
	var all map[string]any
	text, _ := json.Marshal(d) // texts, numbers and lists
	_ = json.Unmarshal(text, &all)
	source, _ := all["source"].(map[string]any)
	delete(all, "source")
	for name, value := range source {
		all["source."+name] = value
	}
	return all
}
