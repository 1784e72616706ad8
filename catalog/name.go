package catalog

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/sql"
)

// maxName is how many bytes Postgres keeps of a name; it cuts the rest without a word.
const maxName = 63

// Name is the schema-qualified name that applications query.
type Name struct {
	Schema string `db:"schema_name" json:"schema"`
	View   string `db:"view_name" json:"view"`
}

// ParseName reads SCHEMA.NAME by SQL's rules: plain parts are folded to lower case, quoted ones are taken as they are.
func ParseName(text string) (Name, error) {
	invalid := func(problem string) (Name, error) {
		return Name{}, &InvalidError{
			What: "view name " + text, Problem: problem,
			Fix: `write SCHEMA.NAME, with double quotes around a part that is not a plain identifier: bi."Net Sales"`,
		}
	}
	var parts []string
	for rest := text; ; {
		part, tail, err := cutPart(rest)
		if err != nil {
			return invalid(err.Error())
		}
		parts = append(parts, part)
		if tail == "" {
			break
		}
		if tail[0] != '.' {
			return invalid("there is something behind a closing quote")
		}
		rest = tail[1:]
	}
	if len(parts) != 2 {
		return invalid("it has to have two parts, a schema and a name")
	}
	name := Name{Schema: parts[0], View: parts[1]}
	return name, name.validate()
}

// cutPart takes one identifier off the front of text.
func cutPart(text string) (part, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		part, rest = text, ""
		if dot := strings.IndexByte(text, '.'); dot >= 0 {
			part, rest = text[:dot], text[dot:]
		}
		if strings.ContainsAny(part, "\" \t\n;") {
			return "", "", fmt.Errorf("%s needs double quotes", part)
		}
		return sql.Folded(part), rest, nil
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] != '"':
			b.WriteByte(text[i])
		case i+1 < len(text) && text[i+1] == '"':
			b.WriteByte('"')
			i++
		default:
			return b.String(), text[i+1:], nil
		}
	}
	return "", "", fmt.Errorf("a double quote is not closed")
}

func (n Name) validate() error {
	for _, part := range []string{n.Schema, n.View} {
		problem := ""
		switch {
		case part == "":
			problem = "a part of it is empty"
		case len(part) > maxName:
			problem = fmt.Sprintf("%q has %d bytes, and Postgres keeps %d", part, len(part), maxName)
		case strings.ContainsRune(part, 0):
			problem = "it contains a NUL byte"
		case n.Schema == "redcache" || n.Schema == "redcache_data" || strings.HasPrefix(n.Schema, "pg_"):
			problem = fmt.Sprintf("schema %s is not for views", n.Schema)
		}
		if problem != "" {
			return &InvalidError{What: "view name " + n.String(), Problem: problem, Fix: "choose another name"}
		}
	}
	return nil
}

// SQL returns the name as an SQL identifier, quoted in full.
func (n Name) SQL() string { return sql.Ident(n.Schema, n.View) }

// String returns the name as people write it, with quotes only where they are needed; ParseName reads it back.
func (n Name) String() string { return bare(n.Schema) + "." + bare(n.View) }

func bare(part string) string {
	for i, r := range part {
		if r != '_' && (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
			return pgx.Identifier{part}.Sanitize()
		}
	}
	if part == "" {
		return `""`
	}
	return part
}

// joinSome joins the first n of names, and says how many are left.
func joinSome(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}
