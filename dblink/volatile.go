package dblink

import "strings"

// Volatile tells whether a query may return other rows although the tables that it reads have not changed, and names
// the word that makes it so. What is not known to depend on its arguments alone is taken for volatile: the clock, the
// session, chance, every function that somebody may have defined, and a text that cannot be read. Only the text is looked
// at, so what hides behind a view is not seen.
func Volatile(query string) (word string, volatile bool) {
	tokens, err := tokensOf(query)
	if err != nil {
		return unreadable, true
	}
	s := scan{query, tokens}
	for i := range tokens {
		if s.isVolatile(i) {
			return s.qualified(i), true
		}
	}
	return "", false
}

// unreadable stands for the word that would be named.
const unreadable = "a text that cannot be read"

// tokensOf returns all tokens of a text without the one at its end.
func tokensOf(query string) ([]token, error) {
	var tokens []token
	for l := (lexer{text: query}); ; {
		t, err := l.next()
		if err != nil || t.kind == tokenEnd {
			return tokens, err
		}
		tokens = append(tokens, t)
	}
}

// scan looks at the tokens of a query.
type scan struct {
	query  string
	tokens []token
}

// text is the token at i as it is written, or "" outside of the query.
func (s scan) text(i int) string {
	if i < 0 || i >= len(s.tokens) {
		return ""
	}
	return s.tokens[i].text(s.query)
}

// word is the lower-case word or punctuation at i. A quoted token is none.
func (s scan) word(i int) string {
	if i < 0 || i >= len(s.tokens) || s.tokens[i].kind == tokenQuoted {
		return ""
	}
	return foldName(s.text(i))
}

// name is the name at i as Redshift folds it, or "" for what is no name. A quoted name is folded too unless the cluster
// is told otherwise.
func (s scan) name(i int) string {
	switch text := s.text(i); {
	case text == "":
		return ""
	case text[0] == '"':
		return foldName(strings.ReplaceAll(text[1:len(text)-1], `""`, `"`))
	case s.tokens[i].kind == tokenWord:
		return foldName(text)
	}
	return ""
}

// foldName lowers the ASCII letters of a name, as Redshift does.
func foldName(name string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name)
}

func (s scan) isVolatile(i int) bool {
	name := s.name(i)
	switch {
	case name == "":
		return s.isMovingDate(i)
	case s.isAlias(i):
		return false
	case s.word(i+1) == "(":
		return !s.isHarmlessCall(i, name)
	}
	return volatileWords[s.word(i)] && !s.afterDot(i) && s.word(i+1) != "."
}

// afterDot tells whether the token at i is part of a longer name, or of a path like c.orders[0].items.
func (s scan) afterDot(i int) bool {
	return s.word(i-1) == "." && (s.name(i-2) != "" || s.word(i-2) == "]" || s.word(i-2) == ")")
}

// isAlias tells whether the token at i stands behind AS. A column may have that name too, or be called so: 1 AS as.
func (s scan) isAlias(i int) bool { return s.word(i-1) == "as" && !s.afterDot(i-1) && !s.isAlias(i-1) }

// isHarmlessCall judges a name with a parenthesis behind it, which may be a keyword as well.
func (s scan) isHarmlessCall(i int, name string) bool {
	if s.afterDot(i) && s.name(i-2) != "pg_catalog" {
		return false
	}
	return knownFunctions[name] || s.isColumnList(i+1)
}

// isColumnList tells the columns of WITH name (a, b) AS (…) from the arguments of a function.
func (s scan) isColumnList(open int) bool {
	closing := s.closing(open)
	return s.word(closing+1) == "as" && s.word(closing+2) == "("
}

// closing returns the index of the parenthesis that closes the one at open, or that of the end.
func (s scan) closing(open int) int {
	depth := 0
	for i := open; i < len(s.tokens); i++ {
		switch s.word(i) {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(s.tokens)
}

// isMovingDate finds literals like 'today', which are dates to whom reads them as such. Whether somebody does cannot be
// told from the tokens.
func (s scan) isMovingDate(i int) bool {
	for word := range strings.FieldsSeq(s.literal(i)) {
		switch foldName(word) {
		case "now", "today", "tomorrow", "yesterday":
			return true
		}
	}
	return false
}

// literal is what stands between the quotes of the literal at i, or "".
func (s scan) literal(i int) string {
	text := s.text(i)
	switch {
	case strings.HasPrefix(text, "'"):
		return text[1 : len(text)-1]
	case strings.HasPrefix(text, "$") && s.tokens[i].kind == tokenQuoted:
		tag := strings.IndexByte(text[1:], '$') + 2
		return text[tag : len(text)-tag]
	}
	return ""
}

// qualified is the name at i as it is written, with its schema.
func (s scan) qualified(i int) string {
	if s.afterDot(i) {
		return s.text(i-2) + "." + s.text(i)
	}
	return s.text(i)
}
