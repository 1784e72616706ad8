package refresh

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

// number is a count that PostgreSQL has told.
func number(text *string) (n int64) {
	if text != nil {
		n, _ = strconv.ParseInt(*text, 10, 64)
	}
	return n
}

// overLimit says how many rows there are, where a rule wants another number.
func overLimit(n int64, r catalog.Rule) string {
	limit, _ := strconv.ParseInt(r.Limit, 10, 64) // of at most 18 digits
	if holds(cmp.Compare(n, limit), r.Operator) {
		return ""
	}
	return rowCount(n)
}

// rowCount is a number of rows in words.
func rowCount(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

// holds says whether an operator is true of two numbers of which it is known how they compare.
func holds(compared int, operator string) bool {
	switch operator {
	case "<":
		return compared < 0
	case "<=":
		return compared <= 0
	case ">":
		return compared > 0
	case ">=":
		return compared >= 0
	case "=":
		return compared == 0
	}
	return compared != 0
}

// overChange says by how much the number of rows has changed, where that is more than a rule allows. From no rows it may change
// as it likes.
func overChange(before, n int64, r catalog.Rule) string {
	limit, _ := strconv.ParseFloat(r.Limit, 64) // digits
	const percent = 100
	change := percent * float64(max(n-before, before-n)) / float64(max(before, 1))
	if before == 0 || holds(cmp.Compare(change, limit), r.Operator) {
		return ""
	}
	return fmt.Sprintf("%s, and %d before: %.1f %%", rowCount(n), before, change)
}

// shown are values of some columns: id: 4, 7 or (id, region): (4, north), (7, NULL).
func shown(columns []string, found [][]*string) string {
	list := func(values []string) string {
		if len(values) == 1 {
			return values[0]
		}
		return "(" + strings.Join(values, ", ") + ")"
	}
	names := make([]string, len(columns))
	for i, name := range columns {
		names[i] = infra.Printable(name)
	}
	all := make([]string, len(found))
	for i, row := range found {
		values := make([]string, len(row))
		for j, value := range row {
			values[j] = "NULL"
			if value != nil {
				values[j] = infra.Printable(*value)
			}
		}
		all[i] = list(values)
	}
	return infra.Bounded(list(names) + ": " + strings.Join(all, ", "))
}

// aged says that the newest value is too old, or that there is none.
func aged(r catalog.Rule, rows int64, old, newest *string) Offence {
	o := Offence{Rule: r}
	if number(old) == 0 {
		return o
	}
	o.Told = "none of " + rowCount(rows) + " is that new"
	if newest != nil {
		o.Shown = fmt.Sprintf("; the newest %s is %s", infra.Printable(r.Columns[0]), infra.Printable(*newest))
	}
	return o
}
