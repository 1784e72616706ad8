package redshift

import "strconv"

// Over builds the statement that selects a list from the rows of a query, which the list and the rest know as q.
//
// The query's own WITH moves in front of the statement: Redshift takes no WITH RECURSIVE within a subquery. All that the
// query named there it can name as before. A name that it gave cannot meet one of ours, which is an alias and hides
// nothing inside of the query.
func Over(list, query, rest string) string {
	with, body := divide(query)
	return with + "SELECT " + list + overOpens + body + overCloses + rest
}

// What is put around a query: on lines of its own, so that a comment at its end cannot swallow the parenthesis.
const (
	overOpens  = " FROM (\n"
	overCloses = "\n) AS q"
)

// Limited is a query for at most n rows of a query that [CheckQuery] accepted.
func Limited(query string, n int) string { return Over("*", query, " LIMIT "+strconv.Itoa(n)) }

// bare is a query without parentheses around all of it.
func bare(query string) string {
	with, body := divide(query)
	return with + body
}

// divide takes a query apart: what WITH defines, and the rest. Parentheses around all of it go, and what stands behind
// the last token. A text that it cannot read is the server's to refuse.
func divide(query string) (with, body string) {
	from, main, to := division(query)
	return query[from:main], query[main:to]
}

// division are the offsets in a query where WITH begins, where the rest does, and where that ends.
func division(query string) (from, main, to int) {
	tokens, err := tokensOf(query)
	if err != nil || len(tokens) == 0 {
		return 0, 0, len(query)
	}
	s := scan{query: query, tokens: tokens}
	first, last := 0, len(tokens)-1
	for first < last && s.word(first) == "(" && s.closing(first) == last {
		first, last = first+1, last-1
	}
	behind := s.behindWith(first)
	if behind > last {
		return 0, 0, len(query)
	}
	return tokens[first].from, tokens[behind].from, tokens[last].to
}

// behindWith returns the index of the token behind the WITH that begins at i, or i where none does.
func (s scan) behindWith(i int) int {
	at := i
	if s.word(at) != "with" {
		return i
	}
	if at++; s.word(at) == "recursive" && s.name(at+1) != "as" {
		at++
	}
	for {
		at++ // the name
		if s.word(at) == "(" {
			at = s.closing(at) + 1
		}
		if s.word(at) != "as" || s.word(at+1) != "(" {
			return i
		}
		if at = s.closing(at+1) + 1; s.word(at) != "," {
			return at
		}
		at++
	}
}
