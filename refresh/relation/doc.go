// Package relation is what readers see of a cached view, and what is below it: generations, and the plain view over one
// of them. It builds, indexes, publishes, mends and drops, and knows nothing of Redshift, of strategies and of runs.
//
// The hard idea is that a published view belongs to its readers. It keeps its name, its OID where PostgreSQL allows it,
// and all that people have put on it, while generations come and go below: grants, also of columns, comments, options,
// defaults, policies on the table below. What was there when it was last seen is remembered, so that a view which
// somebody has dropped can be made again as it was; what no other view can be given is refused beforehand, not lost
// ([Condition.Mending], remake). Whoever needs a strong lock asks for it briefly, and again later, so that nobody queues
// behind it for long ([Patiently]).
//
// A generation without rows is a view over other published views, which PostgreSQL keeps from being dropped or made anew as long
// as it is there. So such a one is not built ahead: it is made, and the one before it dropped, in the moment of the switch, behind
// what it reads ([Publish]). Where that is made anew, the view above shows nothing for the length of the transaction.
//
// Everything here is a list of statements before it is done, see [plan.Step], so that a plan can show them.
package relation
