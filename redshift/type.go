package redshift

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Type is a [Kind] with the modifier that a column has: numeric(10,2), say. [Map] makes them.
type Type struct {
	Kind
	Remote string // the name on Redshift, with the modifier if that counts

	Length           int // of a text; 0 is any
	Precision, Scale int // of a number; 0 and 0 are any
}

// Column is one column of a query's result.
type Column struct {
	Name       string
	RemoteType string // as the remote's format_type says
	Type       Type
}

// UnmappedTypeError says that a query has a type that cannot be cached as it is. [Map] and [Describe] return
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

// typeText takes format_type's text apart: "timestamp(6) without time zone" is a name with a modifier in its midst.
var typeText = regexp.MustCompile(`^([^()]+?)(?:\(([0-9, -]+)\))?( with(?:out)? time zone| to second| to month)?$`)

// Map returns how a type of the remote, as format_type writes it, is cached. It returns an [*UnmappedTypeError] for a
// type that has no counterpart.
func Map(remoteType string) (Type, error) {
	name, modifier := parted(remoteType)
	if k, ok := sized[name]; ok && modifier != "" {
		if t, fits := k.with(strings.ReplaceAll(modifier, " ", "")); fits || k.takes == digits {
			return t, refuse(!fits, remoteType)
		}
	}
	t := typeOf(name)
	return t, refuse(t.Local == "", remoteType)
}

func refuse(unknown bool, remoteType string) error {
	if unknown {
		return &UnmappedTypeError{Type: remoteType}
	}
	return nil
}

// parted is the name that the table has for a type, and the modifier, which may be empty.
func parted(remoteType string) (name, modifier string) {
	match := typeText.FindStringSubmatch(strings.ToLower(strings.TrimSpace(remoteType)))
	if match == nil {
		return "", ""
	}
	name, modifier = match[1]+match[3], match[2]
	if known, ok := otherNames[name]; ok {
		name = known
	}
	return name, modifier
}

// typeOf is the type of a name without a modifier; the zero one where there is none.
func typeOf(name string) Type {
	switch k, ok := unsized[name]; {
	case ok:
		return Type{Kind: k, Remote: name}
	case name == paddedChar:
		return typeOf("character")
	case strings.HasPrefix(name, "interval"): // from year to month, or in another of Redshift's precisions
		return Type{Kind: unsized["interval"], Remote: name}
	}
	return Type{}
}

// with puts a modifier into a kind that takes one. It says whether it is one that the kind can have.
func (k Kind) with(modifier string) (t Type, fits bool) {
	first, second, both := strings.Cut(modifier, ",")
	n, err := strconv.Atoi(first)
	if err != nil || n < 1 {
		return Type{}, false
	}
	switch k.takes {
	case digits:
		t.Precision = n
		if both {
			t.Scale, err = strconv.Atoi(second)
		}
		fits = err == nil
	case length:
		t.Length = n
		fits = !both && n <= maxVarchar
	}
	t.Kind, t.Remote = k.filled(modifier), k.name+"("+modifier+")"
	return t, fits
}

// filled is a kind whose texts have the modifier where they leave room for it.
func (k Kind) filled(modifier string) Kind {
	for _, text := range []*string{&k.Local, &k.link.sent, &k.link.wire, &k.link.kept, &k.hash.head, &k.hash.value} {
		*text = strings.ReplaceAll(*text, "{mod}", modifier)
	}
	return k
}

// Unsized is a type without the length of a text. What CREATE TABLE AS says of the length of a computed text can be
// shorter than the text, so it is a hint that nothing may be held against. A length that values are padded to stays.
func Unsized(remoteType string) string {
	name, modifier := parted(remoteType)
	switch {
	case modifier == "":
	case name == "character varying":
		return name
	case name == "character":
		return paddedChar + "(" + modifier + ")"
	}
	return remoteType
}

// EveryType returns each row of the table of types, with some modifier where it takes one.
func EveryType() []Type {
	types := make([]Type, len(table))
	for i, k := range table {
		types[i] = Type{Kind: k, Remote: k.name}
		if k.takes != nothing {
			types[i], _ = k.with(map[sizing]string{length: "10", digits: "18,4"}[k.takes])
		}
	}
	return types
}

// IsText tells whether the type holds free text, so that zero bytes and invalid UTF-8 can occur in it.
func (k Kind) IsText() bool { return k.link.content == freeText }

// Wire is the type in dblink's column list.
func (k Kind) Wire() string { return k.link.wire }

// Remotely is the expression by which a column of the type is sent; the column is quoted for Redshift.
func (k Kind) Remotely(column string) string { return apply(k.link.sent, column) }

// remotely is [Kind.Remotely] for somebody who has a policy.
func (k Kind) remotely(column string, policy TextPolicy) string {
	if k.link.content == freeText && policy != StripNUL || k.link.content == shortened && policy == TrustText {
		return column
	}
	return k.Remotely(column)
}

// Locally is the expression that makes of a column of the wire's type one of the cache; the column is quoted for PostgreSQL.
func (k Kind) Locally(column string) string { return apply(k.link.kept, column) }

// TextIn is the expression for the text in a column in which invalid UTF-8 may be; the column is quoted for Redshift. It is
// empty where there is no such text.
func (k Kind) TextIn(column string) string {
	switch k.link.content {
	case freeText:
		return column
	case serialized:
		return k.Remotely(column)
	}
	return ""
}

// apply puts the quoted column into a template.
func apply(template, column string) string { return strings.ReplaceAll(template, "%s", column) }
