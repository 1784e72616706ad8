package redshift

import "strings"

type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a keyword or an unquoted name
	tokenQuoted           // a literal, a quoted name
	tokenNumber           // without a sign
	tokenOther            // one character of an operator, punctuation
)

type token struct {
	kind     tokenKind
	from, to int // offsets in the text
}

func (t token) text(query string) string { return query[t.from:t.to] }

// lexer splits SQL into tokens by the rules of Redshift, which are those of PostgreSQL 8.0: a backslash escapes in
// every literal, comments nest, a line comment ends at a carriage return as well.
type lexer struct {
	text string
	pos  int
}

// next skips blanks and comments and returns the next token, or a [*QueryError] for one that does not end.
func (l *lexer) next() (token, error) {
	if err := l.skip(); err != nil {
		return token{}, err
	}
	from := l.pos
	kind, err := l.scan()
	return token{kind: kind, from: from, to: l.pos}, err
}

func (l *lexer) scan() (tokenKind, error) {
	if l.pos == len(l.text) {
		return tokenEnd, nil
	}
	switch c := l.text[l.pos]; {
	case c == '\'':
		return tokenQuoted, l.quoted('\'', true, "a literal")
	case c == '"':
		return tokenQuoted, l.quoted('"', false, "a quoted name")
	case c == '$':
		return l.dollar()
	case startsWord(c):
		l.pos += wordLength(l.text[l.pos:], continuesWord)
		return tokenWord, nil
	case isDigit(c) || c == '.' && wordLength(l.text[l.pos+1:], isDigit) > 0:
		l.pos += numberLength(l.text[l.pos:])
		return tokenNumber, nil
	default:
		l.pos++
		return tokenOther, nil
	}
}

// skip moves past blanks and comments.
func (l *lexer) skip() error {
	for l.pos < len(l.text) {
		rest := l.text[l.pos:]
		switch {
		case strings.IndexByte(" \t\n\r\f", rest[0]) >= 0:
			l.pos++
		case strings.HasPrefix(rest, "--"):
			end := strings.IndexAny(rest, "\n\r")
			if end < 0 {
				end = len(rest)
			}
			l.pos += end
		case strings.HasPrefix(rest, "/*"):
			if err := l.comment(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) comment() error {
	from := l.pos
	for depth := 0; l.pos < len(l.text); {
		rest := l.text[l.pos:]
		switch {
		case strings.HasPrefix(rest, "/*"):
			depth++
			l.pos += 2
		case strings.HasPrefix(rest, "*/"):
			depth--
			l.pos += 2
			if depth == 0 {
				return nil
			}
		default:
			l.pos++
		}
	}
	return l.unclosed(from, "a comment")
}

// quoted moves past a quoted token; a doubled quote stands for itself.
func (l *lexer) quoted(quote byte, escapes bool, what string) error {
	from := l.pos
	for l.pos++; l.pos < len(l.text); l.pos++ {
		switch c := l.text[l.pos]; {
		case c == '\\' && escapes:
			l.pos++
		case c == quote && strings.HasPrefix(l.text[l.pos+1:], string(quote)):
			l.pos++
		case c == quote:
			l.pos++
			return nil
		}
	}
	l.pos = len(l.text)
	return l.unclosed(from, what)
}

// dollar moves past a $tag$ literal, or past a lone dollar sign.
func (l *lexer) dollar() (tokenKind, error) {
	from, rest := l.pos, l.text[l.pos+1:]
	length := 0
	if rest != "" && startsWord(rest[0]) {
		length = wordLength(rest, continuesTag)
	}
	if length == len(rest) || rest[length] != '$' {
		l.pos++
		return tokenOther, nil
	}
	tag := l.text[from : from+length+2]
	body := l.text[from+len(tag):]
	end := strings.Index(body, tag)
	if end < 0 {
		l.pos = len(l.text)
		return tokenQuoted, l.unclosed(from, "a literal that starts with "+tag)
	}
	l.pos = from + len(tag) + end + len(tag)
	return tokenQuoted, nil
}

func (l *lexer) unclosed(from int, what string) error {
	hint := "Close it."
	if strings.ContainsRune(l.text[from:], '\\') {
		hint = `Close it; on Redshift a backslash escapes the character after it: write \\ for a backslash.`
	}
	return problemAt(l.text, from, what+" that is never closed", hint)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func startsWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
}

func continuesWord(c byte) bool { return continuesTag(c) || c == '$' }

func continuesTag(c byte) bool { return startsWord(c) || isDigit(c) }

// numberLength measures 1, 1.5, 1., .5 and 1e-5. A word may follow at once: 1from is two tokens, and so is 1.e5from.
func numberLength(text string) int {
	length := wordLength(text, isDigit)
	if strings.HasPrefix(text[length:], ".") {
		length++
		length += wordLength(text[length:], isDigit)
	}
	exponent := strings.TrimLeft(text[length:], "eE")
	if len(text)-length-len(exponent) != 1 {
		return length
	}
	digits := exponent
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		digits = digits[1:]
	}
	if n := wordLength(digits, isDigit); n > 0 {
		return len(text) - len(digits) + n
	}
	return length
}

func wordLength(text string, belongs func(byte) bool) int {
	for i := range len(text) {
		if !belongs(text[i]) {
			return i
		}
	}
	return len(text)
}
