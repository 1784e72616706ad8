package dblink

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// examples is how many rows a message about bad rows shows.
const examples = 3

// BadText is a text that is not valid UTF-8.
type BadText struct {
	Column string
	Key    string // the row, as "id = 7, region = eu"; empty without a key
}

// FindDuplicateKeys returns up to three keys that occur more than once in a query's result, as "id = 7 (2 rows)".
// Keys with a NULL are left to [FindNullKeys].
func FindDuplicateKeys(ctx context.Context, s *Session, query string, key []string) ([]string, error) {
	names, err := remoteIdents(key)
	if err != nil {
		return nil, fmt.Errorf("look for duplicate keys: %w", err)
	}
	list := strings.Join(names, ", ")
	sql := fmt.Sprintf("SELECT %s, COUNT(*) FROM %s WHERE %s IS NOT NULL GROUP BY %s HAVING COUNT(*) > 1 LIMIT %d",
		list, subquery(query), strings.Join(names, " IS NOT NULL AND "), list, examples)
	rows, err := s.rows(ctx, sql, len(key)+1)
	if err != nil {
		return nil, fmt.Errorf("look for duplicate keys: %w", err)
	}
	found := make([]string, len(rows))
	for i, row := range rows {
		found[i] = fmt.Sprintf("%s (%s rows)", describeKey(key, row), deref(row[len(key)]))
	}
	return found, nil
}

// FindNullKeys returns up to three keys of a query's result that hold a NULL, as "id = 7, region = NULL".
func FindNullKeys(ctx context.Context, s *Session, query string, key []string) ([]string, error) {
	names, err := remoteIdents(key)
	if err != nil {
		return nil, fmt.Errorf("look for NULL keys: %w", err)
	}
	sql := fmt.Sprintf("SELECT %s FROM %s WHERE %s IS NULL LIMIT %d",
		strings.Join(names, ", "), subquery(query), strings.Join(names, " IS NULL OR "), examples)
	rows, err := s.rows(ctx, sql, len(key))
	if err != nil {
		return nil, fmt.Errorf("look for NULL keys: %w", err)
	}
	found := make([]string, len(rows))
	for i, row := range rows {
		found[i] = describeKey(key, row)
	}
	return found, nil
}

// validUTF8 matches the hexadecimal bytes of a valid text, RFC 3629 section 4. No function of PostgreSQL before 16
// tells validity without raising an error.
const validUTF8 = `^([0-7][0-9a-f]|c[2-9a-f]C|d[0-9a-f]C|e0[ab][0-9a-f]C|e[1-9a-cef]CC|ed[89][0-9a-f]C|` +
	`f0[9ab][0-9a-f]CC|f[1-3]CCC|f48[0-9a-f]CC)*$`

// FindBadText returns up to three texts of a query's result that are not valid UTF-8. It is for the message after
// SQLSTATE 22021 only: it reads the query again, and looks at every byte.
func FindBadText(ctx context.Context, s *Session, columns []Column, query string, key []string) ([]BadText, error) {
	found, err := findBadText(ctx, s, columns, query, key)
	if err != nil {
		return nil, fmt.Errorf("look for invalid UTF-8: %w", err)
	}
	return found, nil
}

func findBadText(ctx context.Context, s *Session, columns []Column, query string, key []string) ([]BadText, error) {
	keys, err := remoteIdents(key)
	if err != nil {
		return nil, err
	}
	remote := append([]string(nil), keys...)
	wire := make([]string, 0, len(columns))
	shown := make([]string, 0, len(keys))
	pattern := Literal(strings.ReplaceAll(validUTF8, "C", "[89ab][0-9a-f]"))
	for i := range keys {
		wire = append(wire, fmt.Sprintf("k%d text", i))
		// A key may be the bad text itself, and must not break the message about it.
		shown = append(shown, fmt.Sprintf("CASE WHEN %s THEN t.k%d ELSE 'bytes ' || %s END",
			hex(fmt.Sprintf("t.k%d", i))+" ~ "+pattern, i, hex(fmt.Sprintf("t.k%d", i))))
	}
	var candidates []string
	for i, c := range columns {
		if !c.Type.text && c.Type.Local != "jsonb" {
			continue
		}
		name, err := RemoteIdent(c.Name)
		if err != nil {
			return nil, err
		}
		remote = append(remote, apply(untilNUL(c.Type), name))
		wire = append(wire, fmt.Sprintf("v%d text", i))
		candidates = append(candidates, fmt.Sprintf("(%s::text, t.v%d)", Literal(c.Name), i))
	}
	if candidates == nil {
		return nil, nil
	}
	local := fmt.Sprintf("SELECT %s FROM %s($1, $2) AS t(%s), LATERAL (VALUES %s) AS c(name, value) "+
		"WHERE c.value IS NOT NULL AND %s !~ %s LIMIT %d",
		strings.Join(append(shown, "c.name"), ", "), Ident(s.schema, "dblink"), strings.Join(wire, ", "),
		strings.Join(candidates, ", "), hex("c.value"), pattern, examples)
	sql := "SELECT " + strings.Join(remote, ", ") + " FROM " + subquery(query)
	rows, err := s.tx.Query(ctx, local, s.server, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (BadText, error) {
		values := make([]*string, len(key)+1)
		targets := make([]any, len(values))
		for i := range values {
			targets[i] = &values[i]
		}
		err := row.Scan(targets...)
		return BadText{Column: deref(values[len(key)]), Key: describeKey(key, values)}, err
	})
}

// untilNUL leaves texts as they are: a zero byte is no invalid UTF-8.
func untilNUL(t Type) string {
	if t.text {
		return asIs
	}
	return t.RemoteExpr
}

// hex is an expression for a text's bytes that does not mind what they are.
func hex(value string) string {
	return "pg_catalog.encode(pg_catalog.textsend(" + value + "), 'hex')"
}

func remoteIdents(names []string) ([]string, error) {
	quoted := make([]string, len(names))
	for i, name := range names {
		var err error
		if quoted[i], err = RemoteIdent(name); err != nil {
			return nil, err
		}
	}
	return quoted, nil
}

func describeKey(key []string, values []*string) string {
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
