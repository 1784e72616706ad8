// Package parse says which columns the columns of a query come from.
//
// The hard idea is what it does not say. A server knows what a query means; this has a parser, and a list of the columns of what
// the query reads. So it follows a name only where it can be no other one, and everything else is unknown, with the reason: a name
// that two relations could have, a star over a relation of which nobody has told it the columns, a syntax that the parser
// does not know. What the server says of the query's columns is held against what was found; where the two differ, all is unknown.
//
// It advises people, and nothing that refreshes links it.
package parse
