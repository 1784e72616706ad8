package redshift

import (
	"strconv"
	"strings"
)

// isLiteral tells whether the token at i is a text.
func (s scan) isLiteral(i int) bool {
	return i >= 0 && i < len(s.tokens) && s.tokens[i].kind == tokenQuoted && s.text(i)[0] != '"'
}

// literalEnd returns the index behind the literals that begin at i and are one: Redshift joins literals that only blanks
// part.
func (s scan) literalEnd(i int) int {
	for s.isLiteral(i) {
		i++
	}
	return i
}

// chainEnd returns the index behind the literals from i on that || joins, or +, which on Redshift joins texts as well.
func (s scan) chainEnd(i int) int {
	end := s.literalEnd(i)
	for {
		next := end + 1
		if s.word(end) == "|" {
			next++
		}
		if word := s.word(next - 1); word != "|" && word != "+" || !s.isLiteral(next) {
			return end
		}
		end = s.literalEnd(next)
	}
}

// literals returns what the literals from i to end mean as one, in each way in which a server may read them: that of PostgreSQL 8.0,
// where \x stands for x, and that of later ones, where \x6e stands for n.
func (s scan) literals(i, end int) []string {
	var texts [2]strings.Builder
	for ; i < end; i++ {
		switch text := s.text(i); {
		case !s.isLiteral(i):
		case text[0] == '$':
			tag := strings.IndexByte(text[1:], '$') + 2
			texts[0].WriteString(text[tag : len(text)-tag])
			texts[1].WriteString(text[tag : len(text)-tag])
		default:
			body := strings.ReplaceAll(text[1:len(text)-1], "''", `\'`)
			texts[0].WriteString(unescape(body, nil))
			texts[1].WriteString(unescape(body, laterEscapes))
		}
	}
	if texts[0].String() == texts[1].String() {
		return []string{texts[0].String()}
	}
	return []string{texts[0].String(), texts[1].String()}
}

// escape is a number in a literal: so many digits, at most.
type escape struct{ base, digits int }

var laterEscapes = map[byte]escape{'x': {16, 2}, 'u': {16, 4}, 'U': {16, 8}}

// unescape resolves the backslashes of a literal: control characters, bytes in octal, what letters says, and characters
// that stand for themselves.
func unescape(body string, letters map[byte]escape) string {
	var b strings.Builder
	for body != "" {
		plain, rest, found := strings.Cut(body, `\`)
		b.WriteString(plain)
		if body = rest; !found || body == "" {
			break
		}
		if control := strings.IndexByte("bfnrt", body[0]); control >= 0 {
			b.WriteByte("\b\f\n\r\t"[control])
			body = body[1:]
			continue
		}
		form, known := letters[body[0]]
		digits := body[1:]
		if '0' <= body[0] && body[0] <= '7' {
			form, known, digits = escape{8, 3}, true, body
		}
		value, length := leadingNumber(digits, form)
		switch {
		case !known || length == 0:
			b.WriteByte(body[0])
			body = body[1:]
		case form.digits > 3:
			b.WriteRune(value)
			body = digits[length:]
		default:
			b.WriteByte(byte(value))
			body = digits[length:]
		}
	}
	return b.String()
}

func leadingNumber(text string, form escape) (value rune, length int) {
	for n := 1; n <= form.digits && n <= len(text); n++ {
		parsed, err := strconv.ParseUint(text[:n], form.base, 32)
		if err != nil {
			break
		}
		value, length = rune(parsed), n
	}
	return value, length
}
