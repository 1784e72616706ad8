package redshift

import (
	"errors"
	"unicode/utf8"
)

// CheckExpression tells whether a text can stand between parentheses in a statement, and nowhere ends them: every parenthesis,
// quote and comment is closed, and nothing but it is there. It does not parse it. An empty problem: it can.
func CheckExpression(text string) (at int, problem string) {
	l, depth, empty := lexer{text: text}, 0, true
	for {
		t, err := l.next()
		if wrong, is := errors.AsType[*QueryError](err); is {
			return byteOf(text, wrong.Column), wrong.Problem
		}
		switch t.text(text) {
		case ";":
			return t.from, "a semicolon has no place in an expression"
		case "(":
			depth++
		case ")":
			depth--
		}
		switch {
		case depth < 0:
			return t.from, "a closing parenthesis that nothing opened"
		case t.kind != tokenEnd:
			empty = false
		case depth > 0:
			return t.from, "a parenthesis that is never closed"
		case empty:
			return 0, "an expression is wanted here"
		default:
			return 0, ""
		}
	}
}

// byteOf is the offset of a column of a line, which are counted in characters from 1.
func byteOf(text string, column int) (at int) {
	for ; column > 1 && at < len(text); column-- {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}
