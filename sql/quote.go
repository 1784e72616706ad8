package sql

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
)

// Literal quotes a text for PostgreSQL. It reads the same whatever standard_conforming_strings says: a text with a
// backslash becomes an escape literal, with an E before it. Zero bytes, which no PostgreSQL text can hold, are left
// out, as in [Ident].
func Literal(s string) string {
	s = strings.ReplaceAll(s, "\x00", "")
	if !strings.Contains(s, `\`) {
		return Quoted(s)
	}
	return "E" + strings.ReplaceAll(Quoted(s), `\`, `\\`)
}

// Quoted puts a text between single quotes, and its own ones twice.
func Quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// LiteralLine is [Literal] for a statement that people are to paste: one line, with escapes in place of what they would not see.
func LiteralLine(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\ufffd")
	if infra.Printable(s) == s {
		return Literal(s)
	}
	return "E'" + escaped(strings.ReplaceAll(s, "'", "''"), `\u%04x`, `\U%08x`) + "'"
}

var parameter = regexp.MustCompile(`\$\d+`)

// Inlined is one of our own statements as it can be pasted: with its arguments, which are texts and numbers, in place of its
// parameters.
func Inlined(statement string, args ...any) string {
	return parameter.ReplaceAllStringFunc(statement, func(p string) string {
		n, _ := strconv.Atoi(p[1:]) // digits
		if value := reflect.ValueOf(args[n-1]); value.Kind() != reflect.String {
			return fmt.Sprint(value)
		}
		return LiteralLine(fmt.Sprint(args[n-1]))
	})
}

// Ident quotes a PostgreSQL name of one or more parts. In place of what people would not see stand escapes, so that a statement
// that is printed still names the same when it is pasted.
func Ident(parts ...string) string { return Pasted(pgx.Identifier(parts).Sanitize()) }

// Pasted is a text in which PostgreSQL has quoted the names, with escapes in place of what people would not see of them.
func Pasted(text string) string {
	if infra.Printable(text) == text {
		return text
	}
	parts := strings.Split(text, `"`) // each second one is a name, or a piece of one between quotes that are doubled
	var b strings.Builder
	for i := 0; i < len(parts); i++ {
		switch {
		case i%2 == 0:
			b.WriteString(parts[i])
			continue
		case i == len(parts)-1: // a quote that is not closed
			b.WriteString(`"` + parts[i])
			continue
		}
		name := parts[i]
		for i+2 < len(parts)-1 && parts[i+1] == "" {
			name += `""` + parts[i+2]
			i += 2
		}
		if infra.Printable(name) == name {
			b.WriteString(`"` + name + `"`)
		} else {
			b.WriteString(`U&"` + escaped(name, `\%04x`, `\+%06x`) + `"`)
		}
	}
	return b.String()
}

// escaped writes backslashes twice, and what people would not see as one of two escapes, by how large it is.
func escaped(text, short, long string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case infra.Printable(string(r)) == string(r):
			b.WriteRune(r)
		default:
			b.WriteString(EscapeOf(r, short, long))
		}
	}
	return b.String()
}

// EscapeOf writes a character as one of two escapes, by how large it is.
func EscapeOf(r rune, short, long string) string {
	if r > 0xffff {
		return fmt.Sprintf(long, r)
	}
	return fmt.Sprintf(short, r)
}

// Folded is what PostgreSQL, and Redshift, make of a name that is written without quotes. Letters beyond ASCII keep their case.
func Folded(name string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, name)
}
