package catalog

import (
	"slices"

	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/sql"
)

// ColumnChange is what becomes of a column.
type ColumnChange struct {
	Name   string // of the column; empty: it is said of all
	Told   string // in a few words, with the name as SQL has it
	Breaks bool   // who names the column gets something else, or an error
}

// ColumnChanges says which columns come, go and change their type, each in a few words with the name as SQL has it; and, when
// none of that is so, whether their order changes. Nothing when they stay as they are.
func ColumnChanges(before, after []Column) (changes []string) {
	for _, c := range CompareColumns(before, after) {
		changes = append(changes, c.Told)
	}
	return changes
}

// CompareColumns is [ColumnChanges], with what breaks.
func CompareColumns(before, after []Column) (changes []ColumnChange) {
	named := func(columns []Column, name string) int {
		return slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })
	}
	for _, c := range after {
		switch i := named(before, c.Name); {
		case i < 0:
			changes = append(changes, ColumnChange{c.Name, "column " + sql.Ident(c.Name) + " comes, " + c.kept(), false})
		case before[i].kept() != c.kept():
			changes = append(changes, ColumnChange{c.Name, "column " + sql.Ident(c.Name) + " changes from " + before[i].kept() + " to " + c.kept(), true})
		}
	}
	for _, c := range before {
		if named(after, c.Name) < 0 {
			changes = append(changes, ColumnChange{c.Name, "column " + sql.Ident(c.Name) + " goes", true})
		}
	}
	if changes == nil && !slices.EqualFunc(before, after, func(a, b Column) bool { return a.Name == b.Name }) {
		changes = []ColumnChange{{"", "the order of the columns changes", false}}
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

// Extends says whether a view shows more columns at its end, and nothing else changes: PostgreSQL puts such a query below a
// view that is there. Else the view has to be made again.
func Extends(before, after []Column) bool {
	return len(before) <= len(after) && slices.EqualFunc(before, after[:len(before)], func(a, b Column) bool {
		return a.Name == b.Name && a.kept() == b.kept()
	})
}
