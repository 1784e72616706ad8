// Command bench measures, side by side in one process tree, every way to copy one table of a warehouse into a Postgres
// that applications read: the method's plain SQL, a pipe of two psqls, mimeo, and each strategy and transport of this
// project, with nothing, 1 % and all of the rows changed since the copy before.
//
// Two things make such numbers hard to believe, and shape the program. Machines are noisy: so a round runs each scenario
// once, the order moves on from round to round, and what counts is the median, as a ratio to another path's median in
// the same run. And a wrong copy is quick to make: so after every measured operation the copy is compared with its
// source, and a difference ends the run.
//
// While an operation runs, a few connections look rows up in the copy at a fixed rate. A look-up's latency counts from
// the moment at which it was due, not from when it was sent: a reader that has to wait would otherwise hide the look-ups
// that it could not even begin.
//
// The source is a plain Postgres for every path, since the cost of the stand-in for Redshift is not what is measured. All
// reach it through a relay, which gives it the one setting of Redshift that this project's paths use.
package main
