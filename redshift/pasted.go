package redshift

import (
	"strings"
	"unicode/utf8"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// PastedStatement is a statement of PostgreSQL's for people to look at, and to paste: the same one, with escapes in place of what
// they would not see of its names, literals and comments. Line ends stay.
func PastedStatement(text string) string {
	if infra.PrintableLines(text) == text {
		return text
	}
	l := &lexer{text: text}
	var b strings.Builder
	for prefix := ""; l.pos < len(text); {
		from := l.pos
		if err := l.skip(); err != nil {
			b.WriteString(infra.PrintableLines(text[from:]))
			break
		}
		if l.pos > from {
			b.WriteString(infra.PrintableLines(plainBlanks.Replace(text[from:l.pos])))
			prefix = ""
			continue
		}
		shown, err := l.pasted(prefix)
		b.WriteString(shown)
		if err != nil {
			break
		}
		prefix = strings.ToLower(text[from:l.pos])
		if prefix == "&" && strings.HasSuffix(strings.ToLower(text[:from]), "u") {
			prefix = "u&"
		}
	}
	return b.String()
}

// plainBlanks makes of all blanks those that are seen. A comment ends at a carriage return as well.
var plainBlanks = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", " ", "\f", " ")

// pasted moves past a token and returns how it is written for people. What stands before it tells of which kind a literal is.
func (l *lexer) pasted(prefix string) (string, error) {
	from, kind := l.pos, tokenQuoted
	var err error
	switch c := l.text[from]; c {
	case '\'':
		err = l.quoted('\'', prefix == "e", "a literal")
	default:
		kind, err = l.scan()
	}
	text := l.text[from:l.pos]
	switch {
	case err != nil, prefix == "u&", infra.PrintableLines(text) == text:
		return infra.PrintableLines(text), err
	case kind == tokenWord:
		return sql.Pasted(`"` + sql.Folded(text) + `"`), nil
	case kind != tokenQuoted:
		return infra.PrintableLines(text), nil
	case text[0] == '"':
		return sql.Pasted(text), nil
	case text[0] == '$':
		tag := text[:strings.IndexByte(text[1:], '$')+2]
		return "E" + seenLiteral(strings.ReplaceAll(sql.Quoted(text[len(tag):len(text)-len(tag)]), `\`, `\\`)), nil
	case prefix == "e":
		return seenLiteral(text), nil
	}
	return "E" + seenLiteral(strings.ReplaceAll(text, `\`, `\\`)), nil
}

// seenLiteral writes as escapes what is not seen of a literal in which a backslash escapes.
func seenLiteral(literal string) string {
	var b strings.Builder
	for rest := literal; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		if r == '\\' && len(rest) > 1 {
			next, more := utf8.DecodeRuneInString(rest[1:])
			if !hidden(next) {
				b.WriteString(rest[:1+more])
				rest = rest[1+more:]
				continue
			}
			r, size = next, 1+more // such a backslash is left out
		}
		if hidden(r) {
			b.WriteString(sql.EscapeOf(r, `\u%04x`, `\U%08x`))
		} else {
			b.WriteRune(r)
		}
		rest = rest[size:]
	}
	return b.String()
}

// hidden says whether a character of a literal is not seen where it stands. Ends of lines are.
func hidden(r rune) bool { return r != '\n' && infra.Printable(string(r)) != string(r) }
