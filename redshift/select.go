package redshift

import (
	"fmt"
	"strings"
)

// TextPolicy says what happens to zero bytes in texts, at which libpq would cut the value without a word, and to values
// whose text says less than they hold.
type TextPolicy int

const (
	// StripNUL takes zero bytes out on Redshift. It is the default.
	StripNUL TextPolicy = iota
	// TrustText sends texts untouched, and floats too, for a client that reads them in their binary form.
	TrustText
	// KeepNUL sends texts untouched to dblink, which reads every value as a text.
	KeepNUL
)

// Select builds the statement that Redshift runs: the columns of a query that [CheckQuery] accepted, each in the
// form in which it travels. A where condition, if any, sees the query's columns under the alias q; its values must
// have been quoted by [Literal].
func Select(columns []Column, query, where string, policy TextPolicy) (string, error) {
	list, err := remoteList(columns, policy)
	if err != nil {
		return "", err
	}
	return Over(list, query, condition(where)), nil
}

// HashedSelect is [Select] with one more column, [HashColumn]: the hash of the row, of which [Summary.Sum]
// is the sum. The error may be an [*UnhashableError].
func HashedSelect(columns []Column, query, where string, policy TextPolicy) (string, error) {
	list, err := remoteList(columns, policy)
	if err != nil {
		return "", err
	}
	columns, query = typed(columns, query)
	hash, err := rowHash(columns)
	if err != nil {
		return "", err
	}
	return Over(list+", "+hash+" AS "+hashColumn, query, condition(where)), nil
}

// HashColumn is the column that [HashedSelect] adds.
func HashColumn() Column { return Column{Name: hashColumn, Type: typeOf("bigint")} }

const hashColumn = "redcache_hash"

func condition(where string) string {
	if where == "" {
		return ""
	}
	return " WHERE " + where
}

// remoteList is the columns in the form in which they travel.
func remoteList(columns []Column, policy TextPolicy) (string, error) {
	var b strings.Builder
	for i, c := range columns {
		name, err := Ident(c.Name)
		if err != nil {
			return "", fmt.Errorf("column %q: %w", c.Name, err)
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s AS %s", c.Type.remotely("q."+name, policy), name)
	}
	return b.String(), nil
}

// SameKeyWithout builds a condition for [Select]: it is true for all rows of a query whose key is also that of a row
// in which a column is NULL.
func SameKeyWithout(query string, key []string, column string) (where string, err error) {
	names, err := remoteIdents(append([]string{column}, key...))
	if err != nil {
		return "", err
	}
	_, body := divide(query) // what its WITH names is in front of the whole statement
	return fmt.Sprintf("(q.%s) IN (SELECT n.%s FROM (\n%s\n) AS n WHERE n.%s IS NULL)",
		strings.Join(names[1:], ", q."), strings.Join(names[1:], ", n."), body, names[0]), nil
}

// RangeSQL builds the statement that returns the lowest and the highest value of a query's column, a name that
// [Ident] has quoted.
func RangeSQL(query, column string) string {
	return Over(fmt.Sprintf("MIN(q.%[1]s), MAX(q.%[1]s)", column), query, "")
}

// LockSQL builds a statement that reads no row, and has a transaction take the locks that reading a query needs.
func LockSQL(query string) string { return Over("1", query, " WHERE 1 = 0") }
