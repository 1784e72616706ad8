// Package dblink is how PostgreSQL reads Redshift: the foreign server and its user mapping, the session, and
// the SELECT that reads through dblink. All of it happens in the backend of a
// local transaction, which an ordinary role began; rows never pass through Go.
//
// # One name for the session and the server
//
// The hard idea is that a [Session] is a dblink connection with the name of its foreign server. dblink('dw', …) takes
// an open connection of that name if there is one, and only else connects to the server dw. So a materialized view that
// names the server is read through our connection, with our settings, while we refresh it, and still works when
// somebody refreshes it by hand. A connection belongs to the backend and outlives the transaction: [Session.Close] ends
// it, and [Open] ends one that an earlier transaction left behind.
//
// # The password
//
// Servers log statements, and with log_statement = all their bind parameters. So the password travels as a row of a
// COPY into a temporary table, and a DO block puts it into the user mapping. What remains are settings that record
// statements within statements; [SetPassword] refuses to work under them. See recorder.go.
//
// # What ends a statement that waits for Redshift
//
// Seen on PostgreSQL 15.18, where dblink waits in a way that interrupts reach. Older minor releases block in libpq
// instead, and there only the last line helps:
//
//	pg_cancel_backend, or the cancel     The statement is doomed at once but returns only when Redshift has finished:
//	request that pgx sends               dblink first reads the rest of the answer. Redshift works on.
//	the same a second time               Returns at once. Redshift works on; the session is stuck ("another command is
//	                                     already in progress") and can only be closed.
//	pg_terminate_backend                 The backend ends at once. Redshift works on until it next writes.
//	Cancel, from another backend         Redshift ends the query, and the statement fails at once with Redshift's
//	                                     57014. The session can be used again.
//
// Nothing of it ends a backend whose other server answers a SELECT as if it were a COPY, which Redshift does not: libpq
// then gives dblink that answer again and again, and once the statement is cancelled dblink looks for no more interrupts
// while it waits for another one. It keeps its locks, and a processor busy, until the server is stopped with -m immediate.
// A session of package session takes no notice of such an answer.
//
// Hence [Watch]: when the context ends, which cancels the local statement, it cancels on Redshift as well.
package dblink
