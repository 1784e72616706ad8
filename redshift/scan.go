package redshift

import "strings"

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
	exact  bool // quoted names are as they stand, as PostgreSQL has them
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

// isWord tells whether the token at i is a keyword or an unquoted name.
func (s scan) isWord(i int) bool { return i >= 0 && i < len(s.tokens) && s.tokens[i].kind == tokenWord }

// name is the name at i as Redshift folds it, or "" for what is no name. A quoted name is folded too unless the cluster
// is told otherwise, or PostgreSQL is asked.
func (s scan) name(i int) string {
	switch text := s.text(i); {
	case text == "":
		return ""
	case text[0] == '"':
		name := strings.ReplaceAll(text[1:len(text)-1], `""`, `"`)
		if s.exact {
			return name
		}
		return foldName(name)
	case s.isWord(i):
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

// afterDot tells whether the token at i is part of a longer name, or of a path like c.orders[0].items.
func (s scan) afterDot(i int) bool {
	return s.word(i-1) == "." && (s.name(i-2) != "" || s.word(i-2) == "]" || s.word(i-2) == ")")
}

// isAlias tells whether the token at i stands behind AS. A column may have that name too, or be called so: 1 AS as.
func (s scan) isAlias(i int) bool { return s.word(i-1) == "as" && !s.afterDot(i-1) && !s.isAlias(i-1) }

// isLabel tells whether the token at i is a word behind a value: an operator, the next clause, or an alias without AS. In
// no case it is a value itself, or the name of a function.
func (s scan) isLabel(i int) bool {
	switch {
	case i <= 0 || s.name(i) == "":
		return false
	case s.tokens[i-1].kind == tokenQuoted:
		return true
	case s.isWord(i-1) && (s.afterDot(i-1) || s.isAlias(i-1)):
		return true
	case s.tokens[i-1].kind == tokenNumber:
		return s.word(i-2) != "top"
	case s.word(i-1) == ")":
		before := s.word(s.opening(i-1) - 1)
		return before != "top" && before != "on" // TOP (5) x, DISTINCT ON (a) x
	case s.isWord(i - 1):
		return !beforeValue[s.word(i-1)]
	}
	return s.word(i-1) == "]"
}

// beforeValue are the words behind which an expression may begin, and all others that are reserved.
var beforeValue = wordSet(`
	all analyse analyze and any approximate array as asc between binary both by case cast check collate column connect
	constraint cross current default desc distinct do else end escape except exclude exists explicit false fetch filter
	following for foreign from full grant group having identity ignore ilike in include inner intersect interval into is
	isnull join lateral leading left like limit minus natural new nocycle not notnull null nulls of off offset old on only
	open or order outer over overlaps overlay partition percent pivot placing preceding primary prior qualify range
	references respect returning right row rows select set sets similar some start table then to top trailing true union
	unique unknown unpivot user using values verbose when where window with within without zone
	current_date current_time current_timestamp current_user current_user_id localtime localtimestamp session_user sysdate`)

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

// opening returns the index of the parenthesis around the token at i, or -1.
func (s scan) opening(i int) int {
	depth := 0
	for i--; i >= 0; i-- {
		switch s.word(i) {
		case ")":
			depth++
		case "(":
			if depth--; depth < 0 {
				return i
			}
		}
	}
	return -1
}

// qualified is the name at i as it is written, with its schema.
func (s scan) qualified(i int) string {
	if s.afterDot(i) {
		return s.text(i-2) + "." + s.text(i)
	}
	return s.text(i)
}
