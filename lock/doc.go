// Package lock says WHO may refresh: one session per view, and at most n sessions per link.
//
// # One transaction
//
// A lock is always an advisory lock of the very transaction that writes the data (pg_advisory_xact_lock). There is no
// lease to renew, no heartbeat to miss and nothing to unlock: the lock ends in the same instant in which the data
// becomes visible or vanishes. Nobody can hold the lock with another's data, or write without the lock. Because
// nothing is kept in the session, a pooler that hands out one server connection per transaction does no harm.
//
//	who dies                              what happens to lock and uncommitted data
//	holder's process, kill -9             The kernel closes its socket and the server rolls back: at once when it was
//	                                      between statements, else within client_connection_check_interval (14 and
//	                                      later), before 14 when the running statement ends.
//	holder's context, cancelled           The statement is cancelled and rolled back. One that waits in dblink must be
//	                                      cancelled twice: the first time it still reads its remote result to the end.
//	holder's backend, terminated          Rolled back before the backend exits; the holder sees its connection end.
//	the network, without a goodbye        Rolled back when the server's TCP keepalives (tcp_keepalives_idle and its
//	                                      kin) or idle_in_transaction_session_timeout give the holder up, or a
//	                                      statement reaches statement_timeout. Until then the view is held, and the
//	                                      holder thinks so too: it never writes without the lock.
//	Postgres, crash or restart            Both are gone. Advisory locks live in memory, uncommitted data is undone by
//	                                      recovery. A prepared transaction would survive with its locks; we have none.
//	a waiter                              Leaves the queue as a holder would leave its lock; nobody else notices.
//	the pooler, in transaction mode       Its server connection ends, so as with a terminated backend. While it lives,
//	                                      one transaction stays on one server connection, and so does the lock.
//	the primary, a replica is promoted    Locks are not replicated, uncommitted data neither: the new primary starts
//	                                      without both. An old primary that still runs has its own locks and its own
//	                                      data; keeping it from its clients is the task of the failover.
//
// # Keys
//
// Advisory locks share one space of numbers per database, and whoever uses them picks numbers for himself. Ours come
// from the database: the first of the two int4 keys is the OID of the catalog table whose row is meant, bit for bit
// (OIDs are unsigned, so half of them turn negative), and the second tells the row.
//
//	view         'redcache.view'::regclass          view id
//	link slot    'redcache.link'::regclass          link id * 64 + slot, slots count from 0
//	link login   'redcache.link_state'::regclass    link id
//	set          'redcache.set'::regclass           set id
//	shape        'redcache.generation'::regclass    view id
//	rights       'redcache.state'::regclass         0
//
// No two relations of a database have the same OID, so everybody who locks the OID of a table of his own stays clear
// of everybody else who does, and all users of the one-key form (pg_advisory_lock(bigint)) are in a space of their own
// anyhow. The limit: somebody who picks the first of two keys by other means, a hash for instance, meets ours with a
// chance of one in four billion per key and table. And the tables must never be dropped and made anew while something
// refreshes, because their OIDs, and with them the locks, would be different ones. A restored dump has other OIDs, but
// then every session reads the same new ones.
//
// Whoever builds a part of a set shares its lock with those who build others; who publishes or drops the set has it alone.
//
// # Waiting
//
// A view's waiter stands in the server's own queue: it is woken by the release, in order of arrival. A slot has no
// such queue, as the server can wait for one lock but not for any one of n: a waiter looks at all slots, then stands
// in the queue of one of them for a moment, and looks again. Waiting is limited by lock_timeout under a savepoint, so
// that a transaction survives a wait in vain.
package lock
