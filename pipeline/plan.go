package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/pipeline/impact"
	"github.com/redcache/redcache/refresh"
)

// Way is how a change is applied.
type Way string

// The ways.
const (
	ByNothing Way = "nothing" // there is nothing to do
	ByCatalog Way = "catalog" // what is stored of it changes; its rows stay, or it keeps none
	ByRebuild Way = "rebuild" // its rows are read or computed anew, beside what readers see
	ByDrop    Way = "drop"
)

// Planned is a change with what it comes to.
type Planned struct {
	Change
	Columns []catalog.Column // that it is to have; none of one that is removed, or of which nothing was asked
	Fields  []FieldChange    // of its definition
	Adds    []string         // what readers may use and could not before
	Breaks  []string         // what readers may rely on and is no more
	Way     Way

	loses  []string // the columns among what breaks
	remade bool     // the published view is dropped, and made again or not: nothing may depend on it
}

// FieldChange is a field of a definition, as docs/definitions.md has it, that says something else.
type FieldChange struct{ Field, Before, After string }

// Plan puts what the servers have said to the changes.
func Plan(changes []Change, described []refresh.Described) (planned []Planned) {
	for _, c := range changes {
		p := Planned{Change: c, Way: ByNothing}
		if at := slices.IndexFunc(described, func(d refresh.Described) bool { return d.Name == c.Name }); at >= 0 {
			p.compare(described[at])
		}
		planned = append(planned, p)
	}
	return planned
}

// PlanOf is what the servers have said of changes that stand in no file.
func PlanOf(described []refresh.Described) (planned []Planned) {
	for _, d := range described {
		kind := Changed
		switch {
		case d.Before == nil:
			kind = Added
		case d.After == nil:
			kind = Removed
		}
		p := Planned{Change: Change{Kind: kind, Name: d.Name, Before: d.Before}, Way: ByNothing}
		p.compare(d)
		planned = append(planned, p)
	}
	return planned
}

// compare finds out what a change means for readers.
func (p *Planned) compare(d refresh.Described) {
	switch {
	case d.After == nil:
		p.Way, p.remade, p.Breaks = ByDrop, true, []string{"the view goes"}
		return
	case d.Rebuilds && !d.After.Rowless():
		p.Way = ByRebuild
	case p.Kind == Changed, p.Kind == Added:
		p.Way = ByCatalog
	}
	if p.Columns = d.After.Columns; d.Before == nil {
		return
	}
	p.Fields = changedFields(d.Before.Definition, d.After.Definition)
	for _, c := range catalog.CompareColumns(d.Before.Columns, d.After.Columns) {
		if !c.Breaks {
			p.Adds = append(p.Adds, c.Told)
			continue
		}
		p.Breaks, p.loses = append(p.Breaks, c.Told), append(p.loses, c.Name)
	}
	p.remade = !catalog.Extends(d.Before.Columns, d.After.Columns)
	if was := d.Before.Key; len(was) > 0 && !slices.Equal(was, d.After.Key) {
		p.Breaks = append(p.Breaks, "rows are not identified by "+strings.Join(was, ", ")+" any more")
	}
}

// Breaking says of each view whose readers lose something what that is.
func Breaking(planned []Planned) (told []string) {
	for _, p := range planned {
		if len(p.Breaks) > 0 {
			told = append(told, p.Name.String()+": "+strings.Join(p.Breaks, ", "))
		}
	}
	return told
}

// Loss is what the change takes away from readers.
func (p Planned) Loss() impact.Loss {
	return impact.Loss{View: p.Name, Columns: p.loses, Goes: p.Kind == Removed, Remade: p.remade}
}

// Diff is what changes in the query, by lines; empty when nothing does.
func (p Planned) Diff() string {
	at := slices.IndexFunc(p.Fields, func(f FieldChange) bool { return f.Field == QueryField })
	if at < 0 {
		return ""
	}
	return Diff(p.Fields[at].Before, p.Fields[at].After)
}

// QueryField is the field of a definition that [Planned.Diff] shows by lines.
const QueryField = "source.query"

func changedFields(before, after catalog.Definition) (fields []FieldChange) {
	was, is := fieldsOf(before), fieldsOf(after)
	for _, name := range slices.Sorted(maps.Keys(is)) {
		if name != "source.references" && !reflect.DeepEqual(was[name], is[name]) {
			fields = append(fields, FieldChange{name, told(was[name]), told(is[name])})
		}
	}
	return fields
}

func namesOf(fields []FieldChange) (names []string) {
	for _, f := range fields {
		names = append(names, f.Field)
	}
	return names
}

func fieldsOf(d catalog.Definition) map[string]any {
	var all map[string]any
	text, _ := json.Marshal(d) // texts, numbers and lists
	read := json.NewDecoder(bytes.NewReader(text))
	read.UseNumber()
	_ = read.Decode(&all)
	source, _ := all["source"].(map[string]any)
	delete(all, "source")
	for name, value := range source {
		all["source."+name] = value
	}
	return all
}

// told is a value as people read it: a list has commas.
func told(value any) string {
	list, ok := value.([]any)
	if !ok {
		return fmt.Sprint(value)
	}
	texts := make([]string, len(list))
	for i, one := range list {
		texts[i] = fmt.Sprint(one)
	}
	return strings.Join(texts, ", ")
}
