// Command cachectl is the operators' hand on Redcache: it makes the catalog, links and views, refreshes, and shows what
// is cached and what happened.
//
// It decides nothing by itself: definitions go through refresh.Definer, refreshes through refresh.Runner, facts come
// from catalog.Store. What is its own is the conversation. Results go to stdout and nothing else does, so that they can
// be piped; talk and progress go to stderr. The exit status tells apart what the caller has to do: 0 done (or skipped,
// because somebody else is at it), 1 it failed, 2 the command line or DATABASE_URL is wrong and nothing was connected
// to. So each command has two halves: one that reads flags into an options struct and may only fail with 2, and one
// that works and may only fail with 1.
package main
