package dblink

import (
	"fmt"
	"slices"
	"strings"
)

// relation is a table or view that a query names.
type relation struct{ schema, name string }

func (r relation) String() string { return r.schema + "." + r.name }

// relations returns what a query reads, each relation once, or an [*UntrustedError] for what cannot be told from its
// text: a name without a schema is found by a search path, one with a database lies elsewhere.
func relations(query string) ([]relation, error) {
	tokens, err := tokensOf(query)
	if err != nil {
		return nil, untrusted("the query cannot be read: %v", err)
	}
	f := relationFinder{scan: scan{query, tokens}, levels: []fromLevel{{}}}
	for i := 0; i < len(tokens); {
		if i, err = f.step(i); err != nil {
			return nil, err
		}
	}
	if len(f.found) == 0 {
		return nil, untrusted("the query reads no table")
	}
	return f.found, nil
}

// relationFinder follows the FROM lists of a query, one per pair of parentheses. Where it is not sure it expects a
// relation rather than none: what it finds too much cannot be trusted, what it missed would be trusted wrongly.
type relationFinder struct {
	scan
	levels []fromLevel
	found  []relation
}

// fromLevel is what is known of one pair of parentheses.
type fromLevel struct {
	query  bool     // it holds a SELECT, so that its FROM is not that of EXTRACT or TRIM
	from   bool     // within a FROM list, where a comma is followed by a relation
	expect bool     // the next token starts a relation
	gives  string   // the name that WITH gives to what it holds
	names  []string // that WITH has given, from here on
}

// step looks at the token at i and returns the index of the next one.
func (f *relationFinder) step(i int) (int, error) {
	top := &f.levels[len(f.levels)-1]
	word := f.word(i)
	if top.expect {
		top.expect = false
		if word != "(" {
			return f.relation(i)
		}
		next := f.word(i + 1)
		joined := next != "select" && next != "with" // (a JOIN b), or more parentheses
		f.levels = append(f.levels, fromLevel{from: joined, expect: joined})
		return i + 1, nil
	}
	switch {
	case word == "(":
		f.levels = append(f.levels, fromLevel{gives: f.given(i)})
	case word == ")" && len(f.levels) > 1:
		f.levels = f.levels[:len(f.levels)-1]
		if around := &f.levels[len(f.levels)-1]; top.gives != "" && !around.query {
			around.names = append(around.names, top.gives)
		}
	case !f.afterDot(i) && !f.isAlias(i):
		top.see(word, f.word(i-1))
	}
	return i + 1, nil
}

// given returns the name of the query in the parenthesis at i: name AS (, or name (columns) AS (.
func (f *relationFinder) given(i int) string {
	if f.word(i-1) != "as" {
		return ""
	}
	if f.word(i-2) != ")" {
		return f.name(i - 2)
	}
	for n := i - 3; n > 0; n-- { // columns have no parentheses
		if f.word(n) == "(" {
			return f.name(n - 1)
		}
	}
	return ""
}

// isGiven tells whether WITH has given a name before this place, around it.
func (f *relationFinder) isGiven(name string) bool {
	return slices.ContainsFunc(f.levels, func(l fromLevel) bool { return slices.Contains(l.names, name) })
}

// see takes note of a keyword or a comma.
func (l *fromLevel) see(word, previous string) {
	switch word {
	case "select":
		*l = fromLevel{query: true, gives: l.gives, names: l.names}
	case "from":
		compared := previous == "distinct" // IS DISTINCT FROM
		if l.query && !compared {
			l.from, l.expect = true, true
		}
	case "join":
		l.expect = true
	case ",":
		l.expect = l.from
	case "where", "group", "having", "order", "limit", "offset", "union", "intersect", "except", "minus":
		l.from = false
	}
}

// relation reads the relation that starts at i.
func (f *relationFinder) relation(i int) (int, error) {
	var parts []string
	for next := i; ; next += 2 {
		name := f.name(next)
		if name == "" {
			return 0, untrusted("what the query reads at %q cannot be told", f.text(next))
		}
		if text := f.text(next); text[0] == '"' && foldName(text) != text {
			return 0, untrusted("%s has capital letters, which may or may not matter", text)
		}
		if parts = append(parts, name); f.word(next+1) != "." {
			i = next + 1
			break
		}
	}
	switch {
	case f.word(i) == "(":
		return 0, untrusted("the query reads from a function, %s", strings.Join(parts, "."))
	case len(parts) == 1 && f.isGiven(parts[0]):
		return i, nil
	case len(parts) == 1:
		return 0, untrusted("%s is named without its schema", parts[0])
	case len(parts) > 2:
		return 0, untrusted("%s is named with a database", strings.Join(parts, "."))
	}
	if found := (relation{parts[0], parts[1]}); !slices.Contains(f.found, found) {
		f.found = append(f.found, found)
	}
	return i, nil
}

func untrusted(format string, args ...any) error {
	return &UntrustedError{fmt.Sprintf(format, args...)}
}
