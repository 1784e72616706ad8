// Package redshiftsim is a stand-in for Amazon Redshift, for tests and the demo only.
//
// It speaks the Postgres wire protocol in front of a real Postgres, the engine, which holds the data and does the work.
// Between the two it is as unforgiving as a cluster: it announces version 8.0.2, serves TLS, asks for a password,
// refuses what Redshift refuses with Redshift's texts, has Redshift's own types under Redshift's OIDs, and can be told
// to drop, stall, slow down, expire passwords, pause or move.
//
// The hard idea is how a refusal reaches the client. The stand-in cannot simply answer for the engine: an error aborts a
// transaction, comes in the order of a pipeline, and skips what follows up to the next Sync. So a refused statement is
// replaced by one that the engine itself refuses, and the engine's error is exchanged on its way back. See answer.go.
package redshiftsim
