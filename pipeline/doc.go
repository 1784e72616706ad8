// Package pipeline makes views of plain SQL files: one file a view, a header of tags and one SELECT.
//
// The hard idea is that nothing is said twice. What a view reads stands in its query, so the graph comes from the queries;
// what a definition can say is what cachectl's flags can say, under the same names; and what a change does is found by
// having the two servers look at it, not by reading SQL ourselves. What a plan says of it, and what is refused when it is
// applied, is one judgement, of what the engine is about to apply ([Plan]). A file that is wrong never stops the others
// from being read: all that is wrong is said at once, each with its line.
package pipeline
