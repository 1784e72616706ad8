package redshift

import (
	"slices"
	"strconv"
	"strings"
)

// typed gives literals of a query their type, so that columns which are literals without one can be worked on as texts, and
// says so in their types. Other columns that Redshift has no type for stay as they are.
func typed(columns []Column, query string) ([]Column, string) {
	isUntyped := func(c Column) bool { return c.Type.Remote == untyped }
	if !slices.ContainsFunc(columns, isUntyped) {
		return columns, query
	}
	text, labels := typeLiterals(query)
	columns = slices.Clone(columns)
	for i, c := range columns {
		if isUntyped(c) && labels[c.Name] {
			columns[i].Type = typeOf("character varying")
		}
	}
	return columns, text
}

// typeLiterals makes VARCHARs of the literals that are a column of a select list, and returns what these are called. Where
// a query decides by itself what a literal is, as a UNION does, it is left alone.
func typeLiterals(query string) (text string, labels map[string]bool) {
	tokens, err := tokensOf(query)
	if err != nil {
		return query, nil
	}
	l := literalTyper{scan: scan{query: query, tokens: tokens}, levels: []selectLevel{{source: true}}}
	for i := range tokens {
		l.step(i)
	}
	l.close()
	return l.rewritten()
}

// literalTyper follows the select lists of a query, one per pair of parentheses.
type literalTyper struct {
	scan
	levels []selectLevel
	found  []bareItem
}

type selectLevel struct {
	source  bool // its rows are read from, and not compared with something
	list    bool // the select list has begun, and not ended
	several bool // selects are put together
	found   []bareItem
}

// bareItem is a literal that is a column.
type bareItem struct {
	end   int // in the text
	size  int
	label string
}

func (l *literalTyper) step(i int) {
	now := &l.levels[len(l.levels)-1]
	switch word := l.word(i); {
	case word == "(":
		before := l.word(i - 1)
		source := i == 0 || before == "(" || before == "from" || before == "join" || before == "as" || before == "lateral"
		l.levels = append(l.levels, selectLevel{source: now.source && source})
	case word == ")" && len(l.levels) > 1:
		l.close()
		l.levels = l.levels[:len(l.levels)-1]
	case l.isAlias(i) || l.afterDot(i):
	case word == "select":
		now.list = true
	case setOperators[word]:
		now.several = true
	case afterList[word]:
		now.list = false
	case now.list && now.source:
		if item, bare := l.item(i); bare {
			now.found = append(now.found, item)
		}
	}
}

// close keeps what was found in the innermost parentheses.
func (l *literalTyper) close() {
	if done := l.levels[len(l.levels)-1]; !done.several {
		l.found = append(l.found, done.found...)
	}
}

// item tells whether the token at i begins a literal that is all of a column with a label.
func (l *literalTyper) item(i int) (item bareItem, bare bool) {
	end := l.literalEnd(i)
	if l.word(i) == "null" {
		end = i + 1
	}
	before := l.word(i - 1)
	if end == i || before != "," && before != "select" && !(selecting[before] && l.word(i-2) == "select") {
		return item, false
	}
	label := end
	if l.word(label) == "as" {
		label++
	} else if !l.isLabel(label) || afterList[l.word(label)] {
		return item, false
	}
	after := l.word(label + 1)
	if label+1 < len(l.tokens) && after != "," && after != ")" && !afterList[after] {
		return item, false
	}
	to := l.tokens[end-1].to
	return bareItem{to, to - l.tokens[i].from, l.name(label)}, l.name(label) != ""
}

func (l *literalTyper) rewritten() (text string, labels map[string]bool) {
	slices.SortFunc(l.found, func(a, b bareItem) int { return a.end - b.end })
	labels = map[string]bool{}
	var b strings.Builder
	at := 0
	for _, item := range l.found {
		b.WriteString(l.query[at:item.end] + "::varchar(" + strconv.Itoa(min(item.size, maxVarchar)) + ")")
		at, labels[item.label] = item.end, true
	}
	b.WriteString(l.query[at:])
	return b.String(), labels
}
