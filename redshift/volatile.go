package redshift

import "strings"

// Volatile tells whether a query may return other rows although the tables that it reads have not changed, and names
// the word that makes it so. What is not known to depend on its arguments alone is taken for volatile: the clock, the
// session, chance, every function that somebody may have defined, and a text that cannot be read. Only the text is looked
// at, so what hides behind a view is not seen, nor a row that says 'today'.
func Volatile(query string) (word string, volatile bool) {
	tokens, err := tokensOf(query)
	if err != nil {
		return unreadable, true
	}
	s := scan{query: query, tokens: tokens}
	for i := range tokens {
		if word := s.mover(i); word != "" {
			return word, true
		}
	}
	return "", false
}

// unreadable stands for the word that would be named.
const unreadable = "a text that cannot be read"

// mover returns what to name the token at i by if it makes the query volatile, or "".
func (s scan) mover(i int) string {
	name := s.name(i)
	switch {
	case name == "":
		return s.movingDate(i)
	case dateTypes[name] && s.madeDate(i) != "":
		return s.madeDate(i)
	case s.isAlias(i) || s.isLabel(i):
		return ""
	case s.word(i+1) == "(" && !s.isOuterJoin(i+1):
		if s.isHarmlessCall(i, name) {
			return s.handedOut(i)
		}
		return s.qualified(i)
	case volatileWords[s.word(i)] && !s.afterDot(i) && s.word(i+1) != ".":
		return s.text(i)
	}
	return ""
}

// isOuterJoin tells whether the token at i is the first of the sign (+).
func (s scan) isOuterJoin(i int) bool { return s.word(i+1) == "+" && s.word(i+2) == ")" }

// isHarmlessCall judges a name with a parenthesis behind it, which may be a keyword as well.
func (s scan) isHarmlessCall(i int, name string) bool {
	if s.afterDot(i) && s.name(i-2) != "pg_catalog" {
		return false
	}
	return knownFunctions[name] || s.isColumnList(i+1) || s.isWord(i) && s.isKeyword(i, name)
}

// isColumnList tells the columns of WITH name (a, b) AS (…) from the arguments of a function.
func (s scan) isColumnList(open int) bool {
	closing := s.closing(open)
	return s.word(closing+1) == "as" && s.word(closing+2) == "("
}

// isKeyword tells words that are keywords in one place only from functions of that name.
func (s scan) isKeyword(i int, name string) bool {
	before := s.word(i - 1)
	switch name {
	case "exclude": // SELECT * EXCLUDE (…)
		return before == "*" && (s.word(i-2) == "." || s.word(i-2) == "," || beforeValue[s.word(i-2)] || s.word(i-3) == "top")
	case "nulls": // UNPIVOT INCLUDE NULLS (…)
		return (before == "include" || before == "exclude") && s.word(i-2) == "unpivot"
	case "nocycle": // CONNECT BY NOCYCLE (…)
		return before == "by" && s.word(i-2) == "connect"
	case "year", "month", "day", "hour", "minute", "second": // INTERVAL DAY (3) TO SECOND (6)
		return before == "interval" || before == "to"
	}
	return false
}

// movingDate finds literals like 'today' at i, and returns what to name them by.
func (s scan) movingDate(i int) string {
	if !s.isLiteral(i) || s.isLiteral(i-1) {
		return ""
	}
	end := s.literalEnd(i)
	if s.word(i-1) == "&" && s.word(i-2) == "u" && strings.Contains(s.text(i), `\`) {
		return "U&" + s.text(i) // other escapes
	}
	alone := s.literals(i, end)
	for _, text := range append(alone, s.literals(i, s.chainEnd(i))...) {
		switch {
		case !isMovingDate(text):
		case s.isText(i, end) || s.isOutput(i, end):
			return ""
		case end == i+1 && isMovingDate(alone[0]):
			return s.text(i)
		default:
			return "'" + text + "'"
		}
	}
	return ""
}

// isText tells the literals that can be no date by where they stand: patterns, keys of a path, and what a function takes
// that only looks for them.
func (s scan) isText(i, end int) bool {
	switch s.word(i - 1) {
	case "[":
		before := s.word(i - 2)
		return s.word(end) == "]" && !beforeValue[before] && (s.name(i-2) != "" || before == "]" || before == ")")
	case "like", "ilike":
		return s.endsTerm(end)
	case "to":
		return s.word(i-2) == "similar" && s.endsTerm(end)
	case ",":
		return textFunctions[s.word(s.opening(i)-1)] && (s.word(end) == "," || s.word(end) == ")")
	}
	return false
}

// isOutput tells the literals that are a column of the result, as they are. Within parentheses somebody may read that
// column as a date, and so may the other side of a UNION.
func (s scan) isOutput(i, end int) bool {
	switch {
	case s.word(end) == "as":
		end += 2
	case s.isLabel(end) && s.word(end) != "from":
		end++
	}
	before, after := s.word(i-1), s.word(end)
	if s.opening(i) >= 0 || before != "," && !selecting[before] || after != "," && after != "from" && end < len(s.tokens) {
		return false
	}
	depth, selects := 0, false
	for n := range s.tokens {
		switch word := s.word(n); {
		case word == "(":
			depth++
		case word == ")":
			depth--
		case depth > 0:
		case setOperators[word]:
			return false
		case n < i && (word == "select" || word == "from" || word == "by"):
			selects = word == "select"
		}
	}
	return selects
}

var setOperators = wordSet(`union intersect except minus`)

// endsTerm tells whether what stands before i is all of an operand: a sign or a cast behind it would come first.
func (s scan) endsTerm(i int) bool {
	word := s.word(i)
	return i == len(s.tokens) || word == ")" || word == "," || s.isWord(i) && word != "at" && word != "collate"
}

// textFunctions take paths, separators and patterns behind their first argument.
var textFunctions = wordSet(`
	json_extract_path_text split_part strpos regexp_count regexp_instr regexp_substr`)
