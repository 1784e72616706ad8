package redshiftsim

import (
	"slices"
	"strings"
)

// statement is one command of a query text, on which the rules look and which they may rewrite.
type statement struct {
	sql    string // the whole text
	tokens []token
	edits  []edit
	tables []string // user tables that it reads or fills

	catalogs []string // of the leader, that it reads

	singleNode    bool
	cursorOpen    bool
	caseSensitive bool
	shorten       func(name string) string
	tableTimes    tableTimes
	bare          Bare
}

// edit replaces a part of the text.
type edit struct {
	start, end int
	text       string
}

// split cuts a text at its semicolons. Empty statements are left out.
func split(sql string) []*statement {
	var statements []*statement
	var from int
	tokens := lex(sql)
	for i := range len(tokens) + 1 {
		if i < len(tokens) && (tokens[i].kind != signToken || tokens[i].word != ";") {
			continue
		}
		if i > from {
			st := &statement{sql: sql, tokens: tokens[from:i]}
			st.tables = st.findTables()
			statements = append(statements, st)
		}
		from = i + 1
	}
	return statements
}

func (st *statement) start() int { return st.tokens[0].start }

func (st *statement) end() int { return st.tokens[len(st.tokens)-1].end }

// text is the statement as the client wrote it.
func (st *statement) text() string { return st.sql[st.start():st.end()] }

// original is a token as the client wrote it.
func (st *statement) original(i int) string { return st.sql[st.tokens[i].start:st.tokens[i].end] }

// word is the folded word at i, or "" when there is something else.
func (st *statement) word(i int) string {
	if i < 0 || i >= len(st.tokens) || st.tokens[i].kind != wordToken {
		return ""
	}
	return st.tokens[i].word
}

// sign is the sign at i, or "".
func (st *statement) sign(i int) string {
	if i < 0 || i >= len(st.tokens) || st.tokens[i].kind != signToken {
		return ""
	}
	return st.tokens[i].word
}

func (st *statement) kind(i int) (tokenKind, bool) {
	if i < 0 || i >= len(st.tokens) {
		return 0, false
	}
	return st.tokens[i].kind, true
}

func (st *statement) isName(i int) bool {
	kind, ok := st.kind(i)
	return ok && (kind == wordToken || kind == quotedToken)
}

// reads reports whether the words and signs stand at i, one after the other.
func (st *statement) reads(i int, words ...string) bool {
	for n, word := range words {
		if st.word(i+n) != word && st.sign(i+n) != word {
			return false
		}
	}
	return true
}

// find returns where the words and signs stand one after the other first, or -1.
func (st *statement) find(words ...string) int {
	for i := range st.tokens {
		if st.reads(i, words...) {
			return i
		}
	}
	return -1
}

// calls reports whether a function of pg_catalog is called at i, with or without the name of the schema. A name that WITH
// gives to a query may have columns in parentheses too.
func (st *statement) calls(i int) bool {
	if st.word(i) == "" || st.sign(i+1) != "(" || st.sign(i-1) == "." && st.word(i-2) != "pg_catalog" {
		return false
	}
	return !st.reads(st.closing(i+1)+1, "as", "(")
}

// closing returns the index of the parenthesis that closes the one at open, or -1.
func (st *statement) closing(open int) int {
	depth := 0
	for i := open; i < len(st.tokens); i++ {
		switch st.sign(i) {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// replace puts text for tokens from..to.
func (st *statement) replace(from, to int, text string) {
	st.edits = append(st.edits, edit{st.tokens[from].start, st.tokens[to].end, text})
}

// rewritten is the statement with its edits.
func (st *statement) rewritten() string {
	slices.SortStableFunc(st.edits, func(a, b edit) int { return a.start - b.start })
	var out strings.Builder
	at := st.start()
	for _, e := range st.edits {
		if e.start < at {
			continue // inside of what another edit replaced
		}
		out.WriteString(st.sql[at:e.start])
		out.WriteString(e.text)
		at = e.end
	}
	out.WriteString(st.sql[at:st.end()])
	return out.String()
}

// level is what is known of one pair of parentheses, or of the statement itself, while its tokens go by.
type level struct {
	query bool // it holds a SELECT, so that FROM is not one of EXTRACT, SUBSTRING or TRIM
	list  bool // the select list has begun and has not ended
}

// walk calls visit for each token with the level that the token is on.
func (st *statement) walk(visit func(i int, l *level)) {
	levels := []*level{{}}
	for i := range st.tokens {
		top := levels[len(levels)-1]
		switch st.word(i) {
		case "select":
			*top = level{query: true, list: true}
		case "delete", "update", "insert":
			top.query = true
		case "from", "where", "group", "having", "order", "limit", "into":
			top.list = false
		}
		visit(i, top)
		switch {
		case st.sign(i) == "(":
			levels = append(levels, &level{})
		case st.sign(i) == ")" && len(levels) > 1:
			levels = levels[:len(levels)-1]
		}
	}
}

// findTables lists the user tables that a statement reads. Functions, subqueries, WITH names and catalogs are none.
func (st *statement) findTables() []string {
	local := map[string]bool{}
	for i := range st.tokens {
		if st.isName(i) && st.word(i+1) == "as" && st.sign(i+2) == "(" {
			local[st.tokens[i].word] = true
		}
	}
	var tables []string
	st.walk(func(i int, l *level) {
		distinctFrom := st.word(i) == "from" && st.word(i-1) == "distinct"
		if !l.query || distinctFrom || st.word(i) != "from" && st.word(i) != "join" {
			return
		}
		for next := i + 1; next > 0; {
			name, after := st.relation(next)
			switch {
			case name == "" || st.sign(after) == "(" || local[name]:
			case isCatalog(name):
				st.catalogs = append(st.catalogs, name)
			default:
				tables = append(tables, name)
			}
			next = st.nextInFrom(after)
		}
	})
	if st.fills() {
		tables = append(tables, "")
	}
	return tables
}

// relation reads a possibly qualified name at i, and returns the index after it.
func (st *statement) relation(i int) (string, int) {
	if !st.isName(i) {
		return "", i
	}
	name := st.tokens[i].word
	i++
	for st.sign(i) == "." && st.isName(i+1) {
		name += "." + st.tokens[i+1].word
		i += 2
	}
	return name, i
}

// nextInFrom returns where the next item of a FROM list starts, or 0.
func (st *statement) nextInFrom(i int) int {
	if st.sign(i) == "(" {
		i = st.closing(i) + 1
	}
	for range 2 { // AS and an alias
		if i > 0 && st.isName(i) && st.sign(i+1) != "(" {
			i++
		}
	}
	if st.sign(i) == "," {
		return i + 1
	}
	return 0
}

// fills reports whether the compute nodes store what the statement selects.
func (st *statement) fills() bool {
	switch st.word(0) {
	case "create":
		return st.find("table") >= 0 && st.find("as") >= 0 && st.find("select") >= 0
	case "insert":
		return st.find("select") >= 0
	}
	return false
}

// isCatalog reports whether a relation lives on the leader.
func isCatalog(name string) bool {
	schema, _, qualified := strings.Cut(name, ".")
	if qualified {
		return schema == "pg_catalog" || schema == "information_schema"
	}
	for _, prefix := range []string{"pg_", "svv_", "svl_", "stv_", "stl_", "sys_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
