// Package corpus holds queries in Redshift's dialect with what is true of each: whether it can be read through a link,
// whether its result moves by itself, and what it reads. The truths come from Redshift's documentation and from reason,
// never from what the program says. Tests hold the program against them, and fuzzers start from them.
package corpus

import "slices"

// Query is a query, and what is true of it in a database that is called dw.
type Query struct {
	SQL     string
	Refused string // part of why it cannot be read; "": it can
	Moves   string // the word by which it returns other rows although its tables are the same; "": it does not
	Reads   string // the relations in the order of their names in it; or a question mark, and part of why nobody can tell
}

// All returns every query.
func All() []Query {
	return slices.Concat(selects, ctes, joins, super, pivots, functions, dates, madeDates, moving, names, texts, refused)
}
