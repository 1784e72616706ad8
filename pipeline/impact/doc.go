// Package impact finds who uses what a change takes away from the readers of a view.
//
// The hard idea is that nobody knows all readers, and that what is known is known in three ways, which are told apart.
// PostgreSQL knows which views, rules, policies and functions depend on a view, and on which of its columns, and does not let
// the view go while they are there. What stands in the text of a function is found there, by its words, and may mean
// something else. And what applications ask stands in pg_stat_statements, where it is installed, and as far as our role may
// read it. What comes from there was written by anybody: it is bounded, and never shown with a value in it.
package impact
