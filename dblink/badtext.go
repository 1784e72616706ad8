package dblink

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/sql"
)

// BadText is a text that is not valid UTF-8.
type BadText struct {
	Column string
	Key    string // the row, as "id = 7, region = eu"; empty without a key
}

// validUTF8 matches the hexadecimal bytes of a valid text, RFC 3629 section 4; C stands for a byte that continues a
// character. No function of PostgreSQL before 16 tells validity without raising an error.
var validUTF8 = sql.Literal(strings.ReplaceAll(`^([0-7][0-9a-f]|c[2-9a-f]C|d[0-9a-f]C|`+
	`e0[ab][0-9a-f]C|e[1-9a-cef]CC|ed[89][0-9a-f]C|f0[9ab][0-9a-f]CC|f[1-3]CCC|f48[0-9a-f]CC)*$`,
	"C", "[89ab][0-9a-f]"))

// FindBadText returns up to three texts of a query's result that are not valid UTF-8. It is for the message after
// SQLSTATE 22021 only: it reads the query again, and looks at every byte, of each text up to its first zero byte.
func FindBadText(ctx context.Context, s *Session, columns []redshift.Column, query string, key []string) ([]BadText, error) {
	found, err := findBadText(ctx, s, columns, query, key)
	if err != nil {
		return nil, fmt.Errorf("look for invalid UTF-8: %w", err)
	}
	return found, nil
}

func findBadText(ctx context.Context, s *Session, columns []redshift.Column, query string, key []string) ([]BadText, error) {
	search := textSearch{}
	for _, name := range key {
		if err := search.addKey(name); err != nil {
			return nil, err
		}
	}
	for _, c := range columns {
		if err := search.addText(c); err != nil {
			return nil, err
		}
	}
	if search.texts == nil {
		return nil, nil
	}
	rows, err := s.tx.Query(ctx, search.local(s.schema), s.server, search.remote(query))
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
		return BadText{Column: *values[len(key)], Key: redshift.DescribeKey(key, values)}, err
	})
}

// textSearch collects the parts of the two statements that look for bad texts.
type textSearch struct {
	sent  []string // expressions on Redshift
	wire  []string // the same in dblink's column list
	keys  []string // what to show of the key
	texts []string // (name, value) of the columns to look at
}

func (f *textSearch) addKey(name string) error {
	sent, err := redshift.Ident(name)
	if err != nil {
		return err
	}
	value := f.send(sent)
	// A key may be the bad text itself, and must not break the message about it.
	f.keys = append(f.keys, fmt.Sprintf("CASE WHEN %s ~ %s THEN %s ELSE 'bytes ' || %s END",
		hex(value), validUTF8, value, hex(value)))
	return nil
}

// addText adds a column in which bad text can be. A SUPER is text too on its way here.
func (f *textSearch) addText(c redshift.Column) error {
	name, err := redshift.Ident(c.Name)
	if err != nil {
		return err
	}
	if text := c.Type.TextIn(name); text != "" {
		f.texts = append(f.texts, fmt.Sprintf("(%s::text, %s)", sql.Literal(c.Name), f.send(text)))
	}
	return nil
}

// send asks Redshift for an expression, and returns what it is called here.
func (f *textSearch) send(expression string) string {
	name := fmt.Sprintf("c%d", len(f.sent))
	f.sent = append(f.sent, expression)
	f.wire = append(f.wire, name+" text")
	return "t." + name
}

func (f *textSearch) remote(query string) string {
	return redshift.Over(strings.Join(f.sent, ", "), query, "")
}

func (f *textSearch) local(schema string) string {
	return fmt.Sprintf("SELECT %s FROM %s AS t(%s), LATERAL (VALUES %s) AS c(name, value) "+
		"WHERE c.value IS NOT NULL AND %s !~ %s LIMIT %d",
		strings.Join(append(f.keys, "c.name"), ", "), Call(schema, "dblink", "$1", "$2"), strings.Join(f.wire, ", "),
		strings.Join(f.texts, ", "), hex("c.value"), validUTF8, redshift.Examples)
}

// hex is an expression for a text's bytes that does not mind what they are.
func hex(value string) string {
	return "pg_catalog.encode(pg_catalog.textsend(" + value + "), 'hex')"
}
