package redshift

import (
	"context"
	"strings"
)

// Relation is a table or view on Redshift, by the names that Redshift keeps.
type Relation struct{ Schema, Name string }

// Reads is what a query's text says that it reads.
type Reads struct {
	Relations []Relation // each once, as the query names them

	paths []string        // as in sources
	names map[string]bool // every name in the query
	whole bool            // it has a star, or joins by all columns of one name
}

// ReadsOf returns what a query, that [CheckQuery] accepted, reads. A view that it names stands for itself, whatever lies
// below. Where the relations cannot be told from the text (one is named without its schema or with a database, or is a
// function) the error is an [*UntrustedError].
//
// The text alone decides, and where it is ambiguous it is read so that more is found, not less. [Reads.Prove] holds the
// result against a plan.
func ReadsOf(query string) (Reads, error) { return ReadsIn(query, "") }

// ReadsIn is [ReadsOf] for a query that runs in a database, which it may name.
func ReadsIn(query, database string) (Reads, error) {
	found, err := sourcesOf(query, database)
	if err != nil {
		return Reads{}, err
	}
	tokens, err := tokensOf(query)
	if err != nil {
		return Reads{}, untrusted("the query cannot be read: %v", err)
	}
	r := Reads{names: map[string]bool{}, paths: found.paths}
	for _, relation := range found.relations {
		r.Relations = append(r.Relations, Relation{relation.schema, relation.name})
	}
	s := scan{query: query, tokens: tokens}
	for i := range tokens {
		r.names[s.name(i)] = true
		r.whole = r.whole || s.word(i) == "natural" || s.isStar(i)
	}
	return r, nil
}

// Uses tells whether the query may read a column of one of its relations. It errs towards true: a name counts wherever
// it stands, and with a star every column does, that of COUNT(*) too.
func (r Reads) Uses(column string) bool { return r.whole || r.names[foldName(column)] }

// isStar tells a star that stands for columns from the sign of a product, which has an operand on either side.
func (s scan) isStar(i int) bool {
	return s.text(i) == "*" && (!s.isOperand(i-1, ")]", notBeforeProduct) || !s.isOperand(i+1, "(-+", notBehindProduct))
}

// The words that stand beside a star, and are no operands.
var (
	notBeforeProduct = wordSet(`select distinct all`)
	notBehindProduct = wordSet(`from exclude into where group having order limit offset qualify union intersect except minus`)
)

// isOperand tells whether the token at i is a value, or begins or ends one, with one of the signs.
func (s scan) isOperand(i int, signs string, keywords map[string]bool) bool {
	text := s.text(i)
	switch {
	case text == "":
		return false
	case s.tokens[i].kind == tokenOther:
		return strings.Contains(signs, text)
	}
	return !keywords[s.word(i)]
}

// Prove asks for the plan of a query all of whose relations are tables, and returns an [*UntrustedError] when it reads
// anything else. What Redshift makes of the tables by itself (a materialized view that it maintains and puts in their
// place, a result that it keeps while the query runs) has the same rows, and counts as them.
func (r Reads) Prove(ctx context.Context, src Source, query string) error {
	if err := provePaths(ctx, src, r.paths); err != nil {
		return err
	}
	plan, err := ask(ctx, src, "EXPLAIN "+bare(query), 1)
	if err != nil {
		return err
	}
	names, err := scanned(plan)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !r.reads(name) && !strings.HasPrefix(name, "mv_tbl__") && !strings.HasPrefix(name, temporaryTable) {
			return untrusted("its plan scans %s, which the query does not name", name)
		}
	}
	return nil
}

func (r Reads) reads(name string) bool {
	for _, relation := range r.Relations {
		if relation.Name == name {
			return true
		}
	}
	return false
}
