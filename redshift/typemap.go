package redshift

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Type says how values of one remote type travel and what they become. The templates hold one or more %s, each of
// which stands for the quoted column.
type Type struct {
	Remote     string // the type's canonical name on Redshift
	RemoteExpr string // applied on Redshift
	Wire       string // the type in dblink's column list
	LocalExpr  string // applied in PostgreSQL
	Local      string // the type of the cached column

	text bool // holds text in any encoding, perhaps with zero bytes
	wide bool // is sent as a wider type, since its own text is not exact
}

// IsText tells whether the type holds free text, so that zero bytes and invalid UTF-8 can occur in it.
func (t Type) IsText() bool { return t.text }

// Column is one column of a query's result.
type Column struct {
	Name       string
	RemoteType string // as the remote's format_type says
	Type       Type
}

// UnmappedTypeError says that a query has a type that cannot be cached as it is. [Map] and [Session.Describe] return
// it.
type UnmappedTypeError struct {
	Column string // "" when it is not known
	Type   string
}

// Error implements error.
func (e *UnmappedTypeError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("type %s has no counterpart in the cache", e.Type)
	}
	return fmt.Sprintf("column %q has type %s, which has no counterpart in the cache", e.Column, e.Type)
}

// Hint says how to make the query cacheable.
func (e *UnmappedTypeError) Hint() string {
	name := e.Column
	if name == "" {
		name = "expression"
	}
	return fmt.Sprintf("Cast it in the query: (%s)::varchar AS %s.", name, name)
}

const (
	asIs = "%s"
	// stripNUL takes out zero bytes, at which libpq would cut the value without a word.
	stripNUL = "REPLACE(%s, CHR(0), '')"
	// checkUTF8 raises 22021 for bytes that are no UTF-8; dblink itself lets them in. Without COLLATE, the result would
	// sort as the encoding's name does, by "C".
	checkUTF8 = "(pg_catalog.convert_from(pg_catalog.convert_to(%s, 'UTF8'), 'UTF8') COLLATE pg_catalog.\"default\")"
)

// maxVarchar is the longest VARCHAR of a Redshift table, in bytes. An expression can be longer.
const maxVarchar = 65535

// plain are the types that travel as text of the same type.
var plain = map[string]string{
	"boolean": "boolean", "smallint": "smallint", "integer": "integer", "bigint": "bigint",
	"double precision": "double precision", "date": "date",
	"time without time zone": "time without time zone", "time with time zone": "time with time zone",
	"timestamp without time zone": "timestamp without time zone",
	"timestamp with time zone":    "timestamp with time zone",
	"oid":                         "bigint", "xid": "bigint", "cid": "bigint", "abstime": "timestamp with time zone",
	"information_schema.cardinal_number": "integer", "cardinal_number": "integer",
	"information_schema.time_stamp": "timestamp with time zone", "time_stamp": "timestamp with time zone",
}

// opaque are the types that are cached as the ASCII text that Redshift shows for them.
var opaque = map[string]bool{
	"geometry": true, "geometryhex": true, "geography": true, "hllsketch": true, "tid": true, "regproc": true,
	"int2vector": true, "oidvector": true, "smgr": true,
}

// catalogText are types of system catalogs that hold text. REPLACE does not take them on Redshift, nor does it take
// an untyped literal ("unknown") that comes out of a subquery.
var catalogText = map[string]bool{
	"unknown": true, `"unknown"`: true, "name": true, `"char"`: true, "aclitem": true, "useritem": true, "roleitem": true,
	"information_schema.sql_identifier": true, "sql_identifier": true,
	"information_schema.character_data": true, "character_data": true,
	"information_schema.yes_or_no": true, "yes_or_no": true,
}

// typeText takes format_type's text apart: "timestamp(6) without time zone" is a name with a modifier in its midst.
var typeText = regexp.MustCompile(`^([^()]+?)(?:\(([0-9, -]+)\))?( with(?:out)? time zone| to second| to month)?$`)

// Map returns how a type of the remote, as format_type writes it, is cached. It returns an [*UnmappedTypeError] for a
// type that has no counterpart.
func Map(remoteType string) (Type, error) {
	match := typeText.FindStringSubmatch(strings.ToLower(strings.TrimSpace(remoteType)))
	if match == nil {
		return Type{}, &UnmappedTypeError{Type: remoteType}
	}
	name, modifier := match[1]+match[3], match[2]
	if local, ok := plain[name]; ok {
		return Type{Remote: name, RemoteExpr: asIs, Wire: local, LocalExpr: asIs, Local: local}, nil
	}
	switch {
	case opaque[name]:
		return Type{Remote: name, RemoteExpr: asIs, Wire: "text", LocalExpr: asIs, Local: "text"}, nil
	case catalogText[name]:
		return Type{Remote: name, RemoteExpr: asIs, Wire: "text", LocalExpr: checkUTF8, Local: "text", text: true}, nil
	case name == "real":
		// Redshift's text of a REAL has eight digits at most, and one in seventy needs nine. The seventeen of a DOUBLE
		// PRECISION are enough for both.
		return Type{
			Remote: name, RemoteExpr: "(%s)::float8", Wire: "double precision", LocalExpr: "(%s)::real", Local: name, wide: true,
		}, nil
	case strings.HasPrefix(name, "interval"):
		// A table's interval may arrive as a count of microseconds unless it is cast.
		return Type{Remote: name, RemoteExpr: "(%s)::varchar", Wire: "interval", LocalExpr: asIs, Local: "interval"}, nil
	}
	return mapSized(name, modifier, remoteType)
}

// mapSized maps the types that have a length, a scale or a text of their own.
func mapSized(name, modifier, remoteType string) (Type, error) {
	switch name {
	case "numeric", "decimal":
		return mapNumeric(modifier), nil
	case "character varying", "varchar", "text":
		return mapText("character varying", modifier, maxVarchar), nil
	case "character", "char":
		return mapText("character", modifier, maxVarchar), nil
	case paddedChar:
		return mapPadded(modifier), nil
	case "super":
		return Type{
			Remote: name, RemoteExpr: "JSON_SERIALIZE(%s)", Wire: "text",
			LocalExpr: "(" + checkUTF8 + ")::jsonb", Local: "jsonb",
		}, nil
	case "binary varying", "varbyte", "varbinary":
		return Type{
			Remote: "varbyte", RemoteExpr: asIs, Wire: "text",
			LocalExpr: "pg_catalog.decode(%s, 'hex')", Local: "bytea",
		}, nil
	}
	return Type{}, &UnmappedTypeError{Type: remoteType}
}

// mapNumeric keeps precision and scale, and makes a value that does not fit them an error. A cast alone would round
// it, and Redshift does deliver more digits than a computed column's type says.
func mapNumeric(modifier string) Type {
	t := Type{Remote: "numeric", RemoteExpr: asIs, Wire: "numeric", LocalExpr: asIs, Local: "numeric"}
	if modifier == "" {
		return t
	}
	t.Local = "numeric(" + strings.ReplaceAll(modifier, " ", "") + ")"
	t.Remote = t.Local
	t.LocalExpr = fmt.Sprintf("(CASE WHEN %%s = %%s::%s THEN %%s ELSE (%%s || ' does not fit %s')::numeric END)::%s",
		t.Local, t.Local, t.Local)
	return t
}

// Unsized is a type without the length of a text. What CREATE TABLE AS says of the length of a computed text can be
// shorter than the text, so it is a hint that nothing may be held against.
func Unsized(remoteType string) string {
	match := typeText.FindStringSubmatch(strings.ToLower(strings.TrimSpace(remoteType)))
	if match == nil || match[2] == "" {
		return remoteType
	}
	switch match[1] + match[3] {
	case "character varying", "varchar":
		return "character varying"
	case "character", "char":
		return paddedChar + "(" + match[2] + ")"
	}
	return remoteType
}

// paddedChar is how a CHAR is called whose length says how far its values are padded, and not how long they may be.
const paddedChar = "bpchar"

// mapText maps a text, and keeps a length that PostgreSQL can keep: views that were described before [Unsized] have
// it. The wire type has it too: there a value that is too long is an error, where the cast behind it would cut.
func mapText(name, modifier string, longest int) Type {
	t := Type{Remote: name, RemoteExpr: stripNUL, Wire: "text", LocalExpr: checkUTF8, Local: "text", text: true}
	length, err := strconv.Atoi(modifier)
	if err != nil || length < 1 || length > longest {
		return t
	}
	t.Remote = fmt.Sprintf("%s(%d)", name, length)
	t.Wire, t.Local = t.Remote, t.Remote
	t.LocalExpr = fmt.Sprintf("(%s)::%s", checkUTF8, t.Remote)
	return t
}

// mapPadded maps a CHAR to a type that has no length, and pads its values as Redshift shows them: what asks for the text,
// REPLACE say, may have taken the padding off. What is longer than was told stays.
func mapPadded(modifier string) Type {
	t := mapText("character", "", maxVarchar)
	length, err := strconv.Atoi(modifier)
	if err != nil || length < 1 || length > maxVarchar {
		return t // a text without a length
	}
	bare := "pg_catalog.rtrim(" + checkUTF8 + ", ' '::pg_catalog.text)"
	t.Remote, t.Local = fmt.Sprintf("%s(%d)", paddedChar, length), paddedChar
	t.LocalExpr = fmt.Sprintf("pg_catalog.rpad(%s, GREATEST(%d, pg_catalog.char_length(%s)))::pg_catalog.bpchar", bare, length, bare)
	return t
}

// Remotely is the expression by which a column of the type is sent; the column is quoted for Redshift.
func (t Type) Remotely(column string) string { return apply(t.RemoteExpr, column) }

// Locally is the expression that makes of a column of the wire's type one of the cache; the column is quoted for PostgreSQL.
func (t Type) Locally(column string) string { return apply(t.LocalExpr, column) }

// apply puts the quoted column into a template.
func apply(template, column string) string { return strings.ReplaceAll(template, "%s", column) }
