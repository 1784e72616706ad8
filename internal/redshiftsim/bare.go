package redshiftsim

import (
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Bare is what becomes of a literal that stands alone in a select list, on which public reports about Redshift do not
// agree. As long as it has no type, whatever is made of it outside of that query fails.
type Bare int

const (
	// BareUnknown leaves it without a type, in tables too.
	BareUnknown Bare = iota
	// BareVarcharInTables makes it a VARCHAR in the tables of CREATE TABLE AS, so that these tell another type than the
	// query has.
	BareVarcharInTables
	// BareVarchar makes it a VARCHAR from the beginning, as later versions of PostgreSQL do.
	BareVarchar
)

// Bares are all of them.
var Bares = []Bare{BareUnknown, BareVarcharInTables, BareVarchar}

func (b Bare) String() string { return [...]string{"unknown", "varchar in tables", "varchar"}[b] }

func (s *Server) setBare(bare Bare) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bare = bare
}

func (s *Server) bareLiterals() Bare {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bare
}

const unknownMessage = `failed to find conversion function from "unknown" to text`

// isConversionOfUnknown recognizes what the engine says when something is to be made of a literal without a type.
func isConversionOfUnknown(message *pgproto3.ErrorResponse) bool {
	switch message.Code {
	case "42883", "42804", "42846":
		return strings.Contains(message.Message, "redshift_unknown")
	}
	return message.Message == "cannot accept a value of type trigger" // its input function, see types.sql
}

// unknownType makes a literal one that nobody gave a type.
const unknownType = "::text::pg_catalog.redshift_unknown"

// rewriteBare marks the bare literals of select lists. Where a query gives a literal a type by itself, as UNION,
// DISTINCT and GROUP BY do, the engine's own rules stay.
func (st *statement) rewriteBare() {
	if st.word(0) == "insert" {
		return
	}
	st.walk(func(i int, l *level) {
		literal := st.tokens[i].kind == stringToken || st.word(i) == "null"
		if !literal || !l.list || !st.startsItem(i) {
			return
		}
		next := i + 1
		named := st.word(next) == "as" || st.isName(next) && (st.endsItem(next+1) || st.word(next+1) == "from")
		nameless := st.endsItem(next) || st.word(next) == "from"
		if !named && !nameless || st.resolves(i, named) {
			return
		}
		text := st.bareType(i)
		if nameless {
			text += ` AS "?column?"`
		}
		st.edits = append(st.edits, edit{st.tokens[i].end, st.tokens[i].end, text})
	})
}

func (st *statement) bareType(i int) string {
	if st.bare == BareVarchar {
		return "::varchar(" + strconv.Itoa(max(1, len(st.tokens[i].word))) + ")"
	}
	return unknownType
}

// resolves reports whether the query itself gives the literal at i a type: what it sorts, groups or compares is text.
func (st *statement) resolves(i int, named bool) bool {
	b, ok := st.branchOf(i)
	if !ok || b.several || st.word(b.from+1) == "distinct" {
		return true
	}
	name, position := i+1, ""
	if st.word(name) == "as" {
		name++
	}
	for n, item := range st.selectList(b) {
		if item[0] <= i && i <= item[1] {
			position = strconv.Itoa(n + 1)
		}
	}
	for n := st.search(i, b.to, "group", "order"); n <= b.to; n++ {
		kind, _ := st.kind(n)
		same := kind == numberToken && st.tokens[n].word == position ||
			named && st.isName(n) && st.tokens[n].word == st.tokens[name].word
		if same && (st.word(n-1) == "by" || st.sign(n-1) == ",") {
			return true
		}
	}
	return false
}

func (st *statement) startsItem(i int) bool {
	quantified := (st.word(i-1) == "distinct" || st.word(i-1) == "all") && st.word(i-2) == "select"
	return quantified || st.word(i-1) == "select" || st.sign(i-1) == ","
}

func (st *statement) endsItem(i int) bool {
	clauses := []string{"where", "group", "having", "order", "limit"}
	return i >= len(st.tokens) || st.sign(i) == "," || st.sign(i) == ")" || slices.Contains(clauses, st.word(i))
}
