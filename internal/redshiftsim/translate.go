package redshiftsim

import "strings"

// translation turns one occurrence of something that the engine does not have into what it has, and reports whether
// there was one. It takes the last, so that of two within each other the inner one comes first.
type translation func(st *statement) bool

// translations are applied one after the other, each until it finds nothing more. A translation sees the text that the
// ones before it have made.
var translations = []translation{
	translateMinus, translateApproximate, translateTop, translateQualify, translateOuterJoin,
	translateDecode, translateNvl2, translateConvert, translateTryCast, translateConcat, translateJSONPath, translateArray,
	translateIgnoreNulls, translatePercentile, translateRatio, translateListagg,
}

// mostTranslations ends the work on a text that no query is.
const mostTranslations = 10_000

// translate returns the statement with everything translated.
func (st *statement) translate() *statement {
	left := mostTranslations
	for _, translated := range translations {
		for left > 0 && translated(st) {
			st = st.again()
			left--
		}
	}
	return st
}

// again reads the statement anew after its edits.
func (st *statement) again() *statement {
	next := *st
	next.sql, next.edits = st.rewritten(), nil
	next.tokens = lex(next.sql)
	return &next
}

// insert puts text before the token at i, or behind the last one.
func (st *statement) insert(i int, text string) {
	at := st.end()
	if i < len(st.tokens) {
		at = st.tokens[i].start
	}
	st.edits = append(st.edits, edit{at, at, text})
}

// source is what the client wrote from one token to another.
func (st *statement) source(from, to int) string {
	if from > to {
		return ""
	}
	return st.sql[st.tokens[from].start:st.tokens[to].end]
}

// lastCall is the last call of a function of Redshift's at which the rest holds, or -1.
func (st *statement) lastCall(name string, holds func(i int) bool) int {
	for i := len(st.tokens) - 1; i >= 0; i-- {
		if st.word(i) == name && st.calls(i) && st.closing(i+1) > 0 && (holds == nil || holds(i)) {
			return i
		}
	}
	return -1
}

// arguments are those of the call whose parenthesis is at open, as the client wrote them.
func (st *statement) arguments(open int) []string {
	var found []string
	for _, part := range st.parts(open+1, st.closing(open)-1) {
		found = append(found, st.source(part[0], part[1]))
	}
	return found
}

// parts divides tokens at their commas.
func (st *statement) parts(from, to int) [][2]int {
	if from > to {
		return nil
	}
	var found [][2]int
	begin := from
	for i := from; i <= to; i = st.skip(i) {
		if st.sign(i) == "," {
			found = append(found, [2]int{begin, i - 1})
			begin = i + 1
		}
	}
	return append(found, [2]int{begin, to})
}

// skip returns the index of the next token that is not inside a parenthesis.
func (st *statement) skip(i int) int {
	if st.sign(i) == "(" {
		if closing := st.closing(i); closing > 0 {
			return closing + 1
		}
	}
	return i + 1
}

// search returns the first of the words from i on, not inside a parenthesis, or the index behind the last token.
func (st *statement) search(from, to int, words ...string) int {
	for i := from; i <= to; i = st.skip(i) {
		for _, word := range words {
			if st.word(i) == word && st.sign(i-1) != "." && st.word(i-1) != "as" {
				return i
			}
		}
	}
	return to + 1
}

var setOperators = []string{"union", "intersect", "except", "minus"}

// branch is one SELECT of a query, up to where the next one begins or the query ends.
type branch struct {
	from, to int  // tokens; from is the SELECT
	several  bool // there are other branches, to which ORDER BY and LIMIT at the end belong as well
}

// branchOf finds the SELECT that the token at i belongs to.
func (st *statement) branchOf(i int) (b branch, ok bool) {
	first, last := st.around(i)
	b = branch{from: -1, to: last}
	for n := first; n <= last; n = st.skip(n) {
		switch {
		case st.word(n) == "select" && n <= i:
			b.from = n
		case st.isSetOperator(n):
			b.several = true
			if n > i && b.to == last {
				b.to = n - 1
			}
		}
	}
	if b.several {
		b.to = st.search(i, b.to, "order", "limit", "offset") - 1
	}
	return b, b.from >= 0
}

func (st *statement) isSetOperator(i int) bool {
	for _, word := range setOperators {
		if st.word(i) == word && st.sign(i-1) != "." && st.word(i-1) != "as" {
			return true
		}
	}
	return false
}

// around returns the first and the last token inside the parenthesis that the token at i is in.
func (st *statement) around(i int) (first, last int) {
	depth := 0
	for first = i; first > 0; first-- {
		switch st.sign(first - 1) {
		case ")":
			depth++
		case "(":
			depth--
		}
		if depth < 0 {
			return first, st.closing(first-1) - 1
		}
	}
	return 0, len(st.tokens) - 1
}

// closeBranch puts text at the end of a branch, in parentheses where it would be taken for that of all branches.
func (st *statement) closeBranch(b branch, text string) {
	if b.several {
		st.insert(b.from, "(")
		text += ")"
	}
	st.insert(b.to+1, text+" ")
}

// selectList is the select list of a branch, its items apart.
func (st *statement) selectList(b branch) [][2]int {
	from := b.from + 1
	if st.word(from) == "distinct" || st.word(from) == "all" {
		from++
	}
	return st.parts(from, st.search(from, b.to, "from", "where", "qualify", "order", "limit")-1)
}

// alias is the name that AS gives to an item, and the last token of what it names.
func (st *statement) alias(item [2]int) (name string, end int) {
	if item[1]-item[0] >= 2 && st.word(item[1]-1) == "as" && st.isName(item[1]) {
		return st.tokens[item[1]].word, item[1] - 2
	}
	return "", item[1]
}

// withNames puts what names stand for into the place of the names.
func (st *statement) withNames(from, to int, names map[string]string) string {
	var out strings.Builder
	at := st.tokens[from].start
	for i := from; i <= to; i++ {
		text, known := names[st.tokens[i].word]
		if !known || !st.isName(i) || st.sign(i-1) == "." || st.sign(i+1) == "." || st.sign(i+1) == "(" {
			continue
		}
		out.WriteString(st.sql[at:st.tokens[i].start] + "(" + text + ")")
		at = st.tokens[i].end
	}
	return out.String() + st.sql[at:st.tokens[to].end]
}
