package redshift

import (
	"context"
	"fmt"
	"strings"
)

// Examples is how many rows a message about bad rows shows.
const Examples = 3

// FindDuplicateKeys returns up to three keys that occur more than once in a query's result, as "id = 7 (2 rows)".
// Keys with a NULL are left to [FindNullKeys].
func FindDuplicateKeys(ctx context.Context, src Source, query string, key []string) ([]string, error) {
	names, err := remoteIdents(key)
	if err != nil {
		return nil, fmt.Errorf("look for duplicate keys: %w", err)
	}
	list := strings.Join(names, ", ")
	sql := Over(list+", COUNT(*)", query, fmt.Sprintf(" WHERE %s IS NOT NULL GROUP BY %s HAVING COUNT(*) > 1 LIMIT %d",
		strings.Join(names, " IS NOT NULL AND "), list, Examples))
	rows, err := src.Rows(ctx, sql, len(key)+1)
	if err != nil {
		return nil, fmt.Errorf("look for duplicate keys: %w", err)
	}
	found := make([]string, len(rows))
	for i, row := range rows {
		found[i] = fmt.Sprintf("%s (%s rows)", DescribeKey(key, row), deref(row[len(key)]))
	}
	return found, nil
}

// FindNullKeys returns up to three keys of a query's result that hold a NULL, as "id = 7, region = NULL".
func FindNullKeys(ctx context.Context, src Source, query string, key []string) ([]string, error) {
	names, err := remoteIdents(key)
	if err != nil {
		return nil, fmt.Errorf("look for NULL keys: %w", err)
	}
	sql := Over(strings.Join(names, ", "), query, fmt.Sprintf(" WHERE %s IS NULL LIMIT %d",
		strings.Join(names, " IS NULL OR "), Examples))
	rows, err := src.Rows(ctx, sql, len(key))
	if err != nil {
		return nil, fmt.Errorf("look for NULL keys: %w", err)
	}
	found := make([]string, len(rows))
	for i, row := range rows {
		found[i] = DescribeKey(key, row)
	}
	return found, nil
}

func remoteIdents(names []string) ([]string, error) {
	quoted := make([]string, len(names))
	for i, name := range names {
		var err error
		if quoted[i], err = Ident(name); err != nil {
			return nil, err
		}
	}
	return quoted, nil
}

func DescribeKey(key []string, values []*string) string {
	parts := make([]string, len(key))
	for i, name := range key {
		value := "NULL"
		if values[i] != nil {
			value = *values[i]
		}
		parts[i] = name + " = " + value
	}
	return strings.Join(parts, ", ")
}
