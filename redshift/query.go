package redshift

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// QueryError says what is wrong with a query that is to be read through a link, and where.
type QueryError struct {
	Problem string
	Fix     string // what to do about it
	Line    int    // from 1; 0 when no place can be named
	Column  int    // from 1, in characters
}

// Error implements error.
func (e *QueryError) Error() string {
	if e.Line == 0 {
		return "query: " + e.Problem
	}
	return fmt.Sprintf("query, line %d column %d: %s", e.Line, e.Column, e.Problem)
}

// Hint says what to do about it.
func (e *QueryError) Hint() string { return e.Fix }

// ReadQuery returns the query in a text as people write it and editors store it: without a byte order mark before it,
// and without the semicolons that end it. Comments stay, and so does the place of everything that an error may name. The
// error is that of [CheckQuery].
func ReadQuery(text string) (query string, err error) {
	query = strings.TrimPrefix(text, "\ufeff")
	if end := strings.TrimRightFunc(query, isBlank); end != strings.TrimRight(query, " \t\r\n\f") {
		query = end // an editor's no-break space, say
	}
	tokens, err := tokensOf(query)
	for i := len(tokens) - 1; err == nil && i >= 0 && tokens[i].text(query) == ";"; i-- {
		query = query[:tokens[i].from] + query[tokens[i].to:]
	}
	return query, CheckQuery(query)
}

func isBlank(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// CheckQuery tells whether a query can stand as a subquery in a statement for Redshift: one SELECT, no semicolon,
// every parenthesis, quote and comment closed, and no character outside of them that looks like another. It reads the
// text as Redshift does (backslash escapes in literals, nested comments), does not parse it, and returns a [*QueryError].
func CheckQuery(query string) error {
	if strings.HasPrefix(query, "\xff\xfe") || strings.HasPrefix(query, "\xfe\xff") {
		return &QueryError{Problem: "is UTF-16, not UTF-8", Fix: "Save the query as UTF-8."}
	}
	if i := strings.IndexByte(query, 0); i >= 0 {
		return problemAt(query, i, "a zero byte", "Remove it.")
	}
	if !utf8.ValidString(query) {
		return &QueryError{Problem: "is not valid UTF-8", Fix: "Save the query as UTF-8."}
	}
	c := queryCheck{lexer: lexer{text: query}}
	for {
		t, err := c.lexer.next()
		if err != nil {
			return err
		}
		if t.kind == tokenEnd {
			return c.finish()
		}
		if err := c.accept(t); err != nil {
			return err
		}
	}
}

// queryCheck is what CheckQuery remembers of the tokens it has seen.
type queryCheck struct {
	lexer    lexer
	open     []int // offsets of the open parentheses
	started  bool
	selects  bool
	previous string // "" for a name
}

func (c *queryCheck) accept(t token) error {
	if err := checkCharacters(c.lexer.text, t); err != nil {
		return err
	}
	text := t.text(c.lexer.text)
	word := strings.ToLower(text)
	named := c.previous == "." || c.previous == "as" // after a dot or AS the word is a name, whatever it says
	if c.previous = word; named && t.kind == tokenWord {
		c.previous = ""
	}
	switch {
	case text == ";":
		return problemAt(c.lexer.text, t.from, "a semicolon", "Give one query: what follows it is another statement.")
	case text == "(":
		c.open = append(c.open, t.from)
	case text == ")":
		if len(c.open) == 0 {
			return problemAt(c.lexer.text, t.from, "a closing parenthesis that nothing opened", "Remove it.")
		}
		c.open = c.open[:len(c.open)-1]
	case t.kind == tokenWord:
		return c.word(t, word, named)
	case !c.started:
		return c.notSelect(t)
	}
	return nil
}

func (c *queryCheck) word(t token, word string, named bool) error {
	if !c.started && word != "select" && word != "with" {
		return c.notSelect(t)
	}
	c.started = true
	c.selects = c.selects || word == "select"
	if word == "into" && !named {
		return problemAt(c.lexer.text, t.from, "SELECT … INTO would write to Redshift",
			"Give a query that only reads.")
	}
	return nil
}

func (c *queryCheck) notSelect(t token) error {
	return problemAt(c.lexer.text, t.from, "not a SELECT", "Give one SELECT, or WITH … SELECT.")
}

func (c *queryCheck) finish() error {
	switch {
	case !c.started && len(c.open) == 0:
		return &QueryError{Problem: "is empty", Fix: "Give one SELECT."}
	case len(c.open) > 0:
		return problemAt(c.lexer.text, c.open[len(c.open)-1], "a parenthesis that is never closed", "Close it.")
	case !c.selects:
		return &QueryError{Problem: "has no SELECT", Fix: "Give one SELECT, or WITH … SELECT."}
	}
	return nil
}

func problemAt(query string, offset int, problem, hint string) error {
	before := query[:offset]
	line := strings.LastIndexByte(before, '\n') + 1
	return &QueryError{
		Problem: problem, Fix: hint,
		Line: strings.Count(before, "\n") + 1, Column: utf8.RuneCountInString(before[line:]) + 1,
	}
}
