// Package catalog says WHAT is cached and what happened to it: links, views, runs and watermarks, and their store in
// schema redcache of the cache database.
//
// Definitions and facts are kept apart. A [Link] and a [View] are definitions: people write them, and nothing else
// does, but for the generation's number. Runs, state and watermarks are facts: the refresh runner writes them, in the
// transaction that writes the rows they speak of, so that data, watermark and result are either all there or all absent.
// What is due is also written by who changes a definition, and for whom a message is under way by who dispatches.
//
// What readers see and what a definition asks for may differ for a while; the generation number of each says so, and
// the next run closes the gap.
package catalog
