package redshiftsim

import "strings"

// token is one lexical element of SQL by the rules of 8.0, where a backslash escapes in every '...' literal.
type token struct {
	kind       tokenKind
	start, end int
	// word is the folded name of a word or quoted identifier, the content of a literal, or the text of the rest.
	word string
}

type tokenKind int

const (
	wordToken tokenKind = iota
	quotedToken
	stringToken // also $$...$$
	numberToken
	paramToken
	signToken // a single character, except for "::"
)

// lex splits SQL into tokens; white space and comments vanish. An unterminated literal, name or comment reaches to the
// end; the engine reports it.
func lex(sql string) []token {
	var tokens []token
	for at := 0; at < len(sql); {
		if skipped := blank(sql[at:]); skipped > 0 {
			at += skipped
			continue
		}
		t := next(sql[at:])
		t.start, t.end = at, at+t.end
		tokens = append(tokens, t)
		at = t.end
	}
	return tokens
}

// blank returns the length of the white space or comment at the start, or 0.
func blank(sql string) int {
	switch {
	case strings.IndexByte(" \t\n\r\f\v", sql[0]) >= 0:
		return 1
	case strings.HasPrefix(sql, "--"):
		if end := strings.IndexAny(sql, "\n\r"); end >= 0 {
			return end
		}
		return len(sql)
	case strings.HasPrefix(sql, "/*"):
		return comment(sql)
	}
	return 0
}

// comment returns the length of a comment, which may contain others.
func comment(sql string) int {
	for at, depth := 2, 1; at+2 <= len(sql); {
		switch sql[at : at+2] {
		case "/*":
			depth++
			at += 2
		case "*/":
			depth--
			at += 2
		default:
			at++
		}
		if depth == 0 {
			return at
		}
	}
	return len(sql)
}

// next reads the token at the start of sql; its end is its length.
func next(sql string) token {
	c := sql[0]
	switch {
	case c == '\'':
		return literal(sql)
	case c == '"':
		return quoted(sql)
	case c == '$':
		return dollar(sql)
	case isDigit(c) || c == '.' && len(sql) > 1 && isDigit(sql[1]):
		end := span(sql, func(c byte) bool { return isDigit(c) || c == '.' })
		return token{kind: numberToken, end: end, word: sql[:end]}
	case isNameStart(c):
		end := span(sql, func(c byte) bool { return isNameStart(c) || isDigit(c) || c == '$' })
		return token{kind: wordToken, end: end, word: fold(sql[:end])}
	case strings.HasPrefix(sql, "::"):
		return token{kind: signToken, end: 2, word: "::"}
	}
	return token{kind: signToken, end: 1, word: sql[:1]}
}

func literal(sql string) token {
	var content strings.Builder
	for at := 1; at < len(sql); at++ {
		switch c := sql[at]; {
		case c == '\\' && at+1 < len(sql):
			at++
			content.WriteByte(sql[at]) // letters like \n do not matter to any rule
		case c == '\'' && at+1 < len(sql) && sql[at+1] == '\'':
			at++
			content.WriteByte('\'')
		case c == '\'':
			return token{kind: stringToken, end: at + 1, word: content.String()}
		default:
			content.WriteByte(c)
		}
	}
	return token{kind: stringToken, end: len(sql), word: content.String()}
}

func quoted(sql string) token {
	for at := 1; at < len(sql); at++ {
		if sql[at] != '"' {
			continue
		}
		if at+1 < len(sql) && sql[at+1] == '"' {
			at++
			continue
		}
		return token{kind: quotedToken, end: at + 1, word: strings.ReplaceAll(sql[1:at], `""`, `"`)}
	}
	return token{kind: quotedToken, end: len(sql), word: sql[1:]}
}

// dollar reads $1, or a literal between two equal $tag$.
func dollar(sql string) token {
	if len(sql) > 1 && isDigit(sql[1]) {
		end := 1 + span(sql[1:], isDigit)
		return token{kind: paramToken, end: end, word: sql[:end]}
	}
	name := span(sql[1:], func(c byte) bool { return isNameStart(c) || isDigit(c) })
	if 1+name >= len(sql) || sql[1+name] != '$' {
		return token{kind: signToken, end: 1, word: "$"}
	}
	tag := sql[:name+2]
	content, _, closed := strings.Cut(sql[len(tag):], tag)
	end := len(tag) + len(content)
	if closed {
		end += len(tag)
	}
	return token{kind: stringToken, end: end, word: content}
}

func span(sql string, belongs func(byte) bool) int {
	for at := range len(sql) {
		if !belongs(sql[at]) {
			return at
		}
	}
	return len(sql)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isNameStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
}

// fold lowers ASCII letters only, as the server does.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name)
}
