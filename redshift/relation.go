package redshift

import (
	"fmt"
	"slices"
	"strings"
)

// relation is a table or view that a query names.
type relation struct{ schema, name string }

func (r relation) String() string { return r.schema + "." + r.name }

// sources are what stands in a query's FROM lists.
type sources struct {
	relations []relation // each once
	// paths are the names with which paths into values begin, as c in FROM shop.customer c, c.orders o. Were there a
	// schema of that name, c.orders could be a relation.
	paths []string
	// recursive says that WITH RECURSIVE builds up its rows somewhere.
	recursive bool
	places    []Reference // of the relations, each time that one is named
}

// sourcesOf returns what a query reads, or an [*UntrustedError] for what cannot be told from its text: a name without a
// schema is found by a search path, one with a database other than this one lies elsewhere.
func sourcesOf(query, database string) (sources, error) {
	tokens, err := tokensOf(query)
	if err != nil {
		return sources{}, untrusted("the query cannot be read: %v", err)
	}
	f := relationFinder{scan: scan{query: query, tokens: tokens}, database: database}
	if err := f.find(); err != nil {
		return sources{}, err
	}
	if len(f.found.relations) == 0 {
		return sources{}, untrusted("the query reads no table")
	}
	return f.found, nil
}

// relationFinder follows the FROM lists of a query, one per pair of parentheses. Where it is not sure it expects a
// relation rather than none: what it finds too much cannot be trusted, what it missed would be trusted wrongly.
type relationFinder struct {
	scan
	database string
	loose    bool // names without a schema and functions are taken as they are
	levels   []fromLevel
	found    sources
}

func (f *relationFinder) find() (err error) {
	f.levels = []fromLevel{{}}
	for i := 0; i < len(f.tokens); {
		if i, err = f.step(i); err != nil {
			return err
		}
	}
	return nil
}

// fromLevel is what is known of one pair of parentheses.
type fromLevel struct {
	query     bool     // it holds a SELECT, so that its FROM is not that of EXTRACT or TRIM
	from      bool     // within a FROM list, where a comma is followed by a relation
	expect    bool     // the next token starts a relation
	item      bool     // it is an item of the FROM list around it
	recursive bool     // WITH RECURSIVE, which knows a name in the query that it gives the name to
	gives     string   // the name that WITH gives to what it holds
	names     []string // that WITH has given, from here on
	items     []string // the names that items of the FROM list go by
}

// step looks at the token at i and returns the index of the next one.
func (f *relationFinder) step(i int) (int, error) {
	top := &f.levels[len(f.levels)-1]
	word := f.word(i)
	if top.expect {
		return f.begin(i, top)
	}
	switch {
	case word == "(":
		inner := fromLevel{gives: f.given(i)}
		if top.recursive && inner.gives != "" {
			inner.names = []string{inner.gives}
		}
		f.levels = append(f.levels, inner)
	case word == ")" && len(f.levels) > 1:
		f.close(i, *top)
	case !f.afterDot(i) && !f.isAlias(i):
		top.see(word, f.isCompared(i))
		f.found.recursive = f.found.recursive || top.recursive
	}
	return i + 1, nil
}

// begin looks at the token with which an item of a FROM list begins.
func (f *relationFinder) begin(i int, top *fromLevel) (int, error) {
	next := f.word(i + 1)
	switch f.word(i) {
	case "(":
		top.expect = false
		joined := next != "select" && next != "with" // (a JOIN b), or more parentheses
		f.levels = append(f.levels, fromLevel{from: joined, expect: joined, item: true})
		return i + 1, nil
	case "only", "lateral", "unpivot":
		if next == "(" || f.name(i+1) != "" && f.word(i+2) != "(" {
			return i + 1, nil
		}
	}
	top.expect = false
	return f.relation(i, top)
}

// close leaves a pair of parentheses, the last token of which is at i.
func (f *relationFinder) close(i int, inner fromLevel) {
	f.levels = f.levels[:len(f.levels)-1]
	around := &f.levels[len(f.levels)-1]
	if inner.gives != "" && !around.query {
		around.names = append(around.names, inner.gives)
	}
	if inner.item {
		around.items = append(append(around.items, inner.items...), f.aliasAt(i+1))
	}
}

// given returns the name of the query in the parenthesis at i: name AS (, or name (columns) AS (.
func (f *relationFinder) given(i int) string {
	if f.word(i-1) != "as" {
		return ""
	}
	named := i - 2
	if f.word(named) == ")" {
		named = f.opening(named) - 1
	}
	if f.isAmbiguous(named) {
		return ""
	}
	return f.name(named)
}

// isAmbiguous tells names that are another name where the cluster minds capital letters.
func (s scan) isAmbiguous(i int) bool {
	text := s.text(i)
	return !s.exact && text != "" && text[0] == '"' && foldName(text) != text
}

// isGiven tells whether WITH has given a name before this place, around it.
func (f *relationFinder) isGiven(name string) bool {
	return slices.ContainsFunc(f.levels, func(l fromLevel) bool { return slices.Contains(l.names, name) })
}

// isItem tells whether an item of a FROM list before this place, or around it, goes by a name.
func (f *relationFinder) isItem(name string) bool {
	return slices.ContainsFunc(f.levels, func(l fromLevel) bool { return slices.Contains(l.items, name) })
}

// isCompared tells the FROM of IS [NOT] DISTINCT FROM.
func (f *relationFinder) isCompared(i int) bool {
	is := i - 2
	if f.word(is) == "not" {
		is--
	}
	return f.word(i-1) == "distinct" && f.word(is) == "is" && !f.afterDot(i-1) && !f.afterDot(is) && !f.isAlias(is)
}

// see takes note of a keyword or a comma.
func (l *fromLevel) see(word string, compared bool) {
	switch word {
	case "recursive":
		l.recursive = l.recursive || !l.query
	case "select":
		*l = fromLevel{query: true, item: l.item, gives: l.gives, names: l.names}
	case "from":
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

// relation reads the name or the path that starts at i, and returns the index behind it.
func (f *relationFinder) relation(i int, top *fromLevel) (int, error) {
	var parts []string
	first, inside := i, false
	for ; ; i++ {
		switch name := f.name(i); {
		case name == "":
			return 0, untrusted("what the query reads at %q cannot be told", f.text(i))
		case f.isAmbiguous(i):
			return 0, untrusted("%s has capital letters, which may or may not matter", f.text(i))
		default:
			parts = append(parts, name)
		}
		for i++; f.word(i) == "["; inside = true {
			i = f.behindBracket(i)
		}
		if f.word(i) != "." {
			break
		}
	}
	if f.word(i) == "(" && f.loose {
		return i, nil
	}
	if f.word(i) == "(" {
		return 0, untrusted("the query reads from a function, %s", strings.Join(parts, "."))
	}
	err := f.note(parts, inside, first, i-1)
	if n := len(f.found.places); err == nil && n > 0 && f.found.places[n-1].To == f.tokens[i-1].to {
		f.found.places[n-1].Aliased = f.isAliased(i) || f.word(first-1) == "(" && f.word(first-2) == "only"
	}
	top.items = append(top.items, parts[len(parts)-1], f.aliasAt(i))
	return i, err
}

// behindBracket returns the index behind the bracket that closes the one at i.
func (f *relationFinder) behindBracket(i int) int {
	for depth := 0; i < len(f.tokens); i++ {
		switch f.word(i) {
		case "[":
			depth++
		case "]":
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return i
}

// aliasAt returns the name that stands behind an item of a FROM list, or "".
func (f *relationFinder) aliasAt(i int) string {
	if f.word(i) == "as" {
		i++
	}
	return f.name(i)
}

// isAliased tells whether an alias stands at i, behind an item of a FROM list; or nothing can, since the item ends there in another way.
func (f *relationFinder) isAliased(i int) bool {
	return f.word(i) == "as" || f.name(i) != "" && !(f.isWord(i) && slices.Contains(noAlias, f.word(i)))
}

// noAlias are the words that can follow an item of a FROM list, and are no alias without AS:
// https://www.postgresql.org/docs/15/sql-keywords-appendix.html.
var noAlias = []string{
	"cross", "except", "fetch", "for", "full", "group", "having", "inner", "intersect", "join", "left", "limit", "minus", "natural", "offset",
	"on", "order", "right", "tablesample", "union", "using", "where", "window",
}

// note keeps what the parts of a name stand for, from its first token to its last; it goes inside of a value where it has
// brackets.
func (f *relationFinder) note(parts []string, inside bool, first, last int) error {
	switch {
	case len(parts) == 1 && !inside && f.isGiven(parts[0]):
		return nil
	case (inside || len(parts) > 1) && f.isItem(parts[0]):
		f.found.paths = append(f.found.paths, parts[0])
		return nil
	case inside:
		return untrusted("what the query reads at %q cannot be told", f.text(first))
	case len(parts) == 1 && f.loose:
		parts = []string{"", parts[0]}
	case len(parts) == 1:
		return untrusted("%s is named without its schema", parts[0])
	case len(parts) == 3 && parts[0] == f.database:
		parts = parts[1:]
	case len(parts) > 2:
		return untrusted("%s is named with a database", strings.Join(parts, "."))
	}
	f.found.places = append(f.found.places, Reference{Relation: Relation{parts[0], parts[1]}, From: f.tokens[first].from, To: f.tokens[last].to})
	if found := (relation{parts[0], parts[1]}); !slices.Contains(f.found.relations, found) {
		f.found.relations = append(f.found.relations, found)
	}
	return nil
}

func untrusted(format string, args ...any) error {
	return &UntrustedError{fmt.Sprintf(format, args...)}
}
