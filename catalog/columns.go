package catalog

import (
	"slices"

	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/sql"
)

// ColumnChanges says which columns come, go and change their type, each in a few words with the name as SQL has it; and, when
// none of that is so, whether their order changes. Nothing when they stay as they are.
func ColumnChanges(before, after []Column) (changes []string) {
	named := func(columns []Column, name string) int {
		return slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })
	}
	for _, c := range after {
		switch i := named(before, c.Name); {
		case i < 0:
			changes = append(changes, "column "+sql.Ident(c.Name)+" comes, "+c.kept())
		case before[i].kept() != c.kept():
			changes = append(changes, "column "+sql.Ident(c.Name)+" changes from "+before[i].kept()+" to "+c.kept())
		}
	}
	for _, c := range before {
		if named(after, c.Name) < 0 {
			changes = append(changes, "column "+sql.Ident(c.Name)+" goes")
		}
	}
	if changes == nil && !slices.EqualFunc(before, after, func(a, b Column) bool { return a.Name == b.Name }) {
		changes = []string{"the order of the columns changes"}
	}
	return changes
}

// kept is the type that the column has here.
func (c Column) kept() string {
	if c.Local != "" {
		return c.Local
	}
	mapped, err := redshift.Map(c.Type)
	if err != nil {
		return c.Type
	}
	return mapped.Local
}
