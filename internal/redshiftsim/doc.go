// Package redshiftsim is a stand-in for Amazon Redshift, for tests and the demo only.
//
// It speaks the Postgres wire protocol in front of a real Postgres, the engine, which holds the data and does the work.
// Between the two it is as unforgiving as a cluster: it announces version 8.0.2, serves TLS, asks for a password,
// refuses what Redshift refuses with Redshift's texts ([Refusals] lists it all, with sources), has Redshift's own types
// under Redshift's OIDs, and can be told to drop, stall, slow down, fail, expire passwords, pause or move.
//
//	client ── login: TLS, password, startup parameters
//	   │
//	   ├──▶ run ── admit: log, planned failures, split, refuse or translate ──▶ engine
//	   │
//	   ◀── relay: row faults, types and bytes, errors in 8.0's words ◀──────── engine
//
// The hard idea is how a refusal reaches the client. The stand-in cannot simply answer for the engine: an error aborts a
// transaction, comes in the order of a pipeline, and skips what follows up to the next Sync. So a refused statement is
// replaced by one that the engine itself refuses, and the engine's error is exchanged on its way back. See answer.go.
// In the same way, what Redshift lacks is looked up where the engine lacks it too, so that the engine words the error.
//
// Rules look at tokens of a lexer with 8.0's rules, never at raw text, so nothing inside a literal, a name or a comment
// triggers them. What Redshift's SQL has beyond the engine's is translated first (translate.go); what the stand-in cannot
// translate it refuses in its own name ([Lacks]), so that nobody takes that for Redshift's refusal.
//
// Not imitated: WLM queues and slots, the result cache, the STL and SYS views, plans of parameters and the costs in plans,
// times of modification of tables that no test tracks ([Warehouse.TrackChanges]), BEGIN without a level (which is a
// snapshot on Redshift and READ COMMITTED here), super navigation, lengths counted in bytes, casts of booleans to
// text (which a cluster refuses), WITH within a WITH query (whose documentation says that it is refused), aliases that
// the same select list uses, FNV_HASH of types whose bytes nobody documents, and DDL with DISTKEY or
// SORTKEY. Tables are made on the engine, directly.
package redshiftsim
