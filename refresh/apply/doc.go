// Package apply has the strategies: how what is read becomes the rows of a generation.
//
// The hard idea is that a strategy knows nothing of the refresh around it. It is given a [Target], which says all that it
// may go by, and a transaction, and returns what it has done. Whether the view is locked, whether readers see the
// generation, who else is in the group, what is tried again: that is decided by what the catalog's table says of the
// strategy ([catalog.Traits]), and never by asking which one it is. So a strategy is a file here, a line in [Strategies],
// and a line in [catalog.Table].
//
//	nonconcurrent  nonconcurrent.go  REFRESH MATERIALIZED VIEW
//	concurrent     concurrent.go     REFRESH MATERIALIZED VIEW CONCURRENTLY
//	incremental    incremental.go    reads past the watermark, and writes what differs
//	swap           swap.go           reads everything into a generation of its own
//	merge          merge.go          reads everything beside the generation, and writes what differs
//	auto           auto.go           chooses among the others
//
// One that keeps no rows has nothing to do, and is not here.
package apply
