// Package infra is the outside world: configuration from the environment, the pool, transactions, logs, retries, hints
// and the version. It knows nothing of views and links.
//
// # Transactions
//
// [InTx] is the only way into a transaction, because there a session gets its rules: how long it may wait, run and
// idle ([Limits]), and every setting that changes what a statement means ([Pins]). They travel with BEGIN, so they cost
// no round trip, and they are local to the transaction, so that nothing depends on what a session was used for before and
// nothing is left behind in it. With a pooler in transaction mode, no other way would work. A single statement gets the
// same by [Pinned]: none is ever sent outside of a transaction of ours.
//
// Only pg_catalog, and after it the session's own temporary tables, are found without their schema. Whatever else is not
// qualified fails at once, and in every environment, not only where somebody's schema comes first; and what somebody else
// has made, under the name of a function or an operator that ours use, is never found.
//
// # Sessions
//
// A pool of [OpenPool] has these properties:
//
//   - No statement is prepared under a name, as a pooler may hand the next transaction another server connection; but for
//     those that are [Repeated], and only where the server process is the one that the connection was told of, so that no
//     pooler is between. pgx's QueryExecModeCacheDescribe asks the server once per connection and text for the types of the parameters,
//     and sends them with an unnamed statement from then on, in one round trip. QueryExecModeExec would save even the
//     asking, but guesses the types from the Go values: it knows no jsonb, and takes a fraction for an integer where
//     the other side of the operator is one.
//   - The end of a context cancels the statement on the server. When the server does not say within 5 s that the
//     statement ended, the connection is closed. What pgx returns then is the server's query_canceled (57014);
//     [InTx] adds the context's own error, so that errors.Is finds it. Outside of InTx, look at ctx.Err().
//     A statement inside dblink takes two requests, as the first one only makes it read the rest of the remote result;
//     they come half a second apart. But statement_timeout and pg_cancel_backend ask once: a statement that waits for
//     dblink may outlive its limit until the remote query ends, so bound that one on its own side, too. Nor does
//     dblink tell the remote server that nobody waits any more.
//   - A peer that vanished without a goodbye is noticed by TCP keepalives after 35 s. In the other direction,
//     client_connection_check_interval (from 14, on Linux) makes a busy server notice a vanished client after 5 s.
//   - Nothing but application_name is sent at login, as poolers refuse what they do not know.
//
// # Parameters
//
// The server decides the type of a parameter from its surroundings, and the Go value must fit that type. Where there
// are no surroundings (SELECT $1, $1 IS NULL, format('%I', $1), jsonb_build_object(…)), or where they mislead, as with
// operators on times, write a cast. The cast names the type that is sent:
//
//	$1::text[], $1::bigint[]         []string, []int64, a nil slice for NULL; column = ANY($1::text[])
//	now() - $1::interval             time.Duration
//	$1::timestamptz                  time.Time, or *time.Time with nil for NULL
//	$1::jsonb                        a struct or map, or JSON as string or []byte
//	$1::some_enum, $1::numeric       string
//	$1::text::regclass               string; without ::text an OID is expected
//	$1::bigint::text                 int64; $1::text would expect a string
//
// Name the columns of a query, never SELECT *: the list of columns is remembered as well, and would be wrong after a
// migration by another process.
//
// # Failures
//
// An error says what was done to what, and why it failed. What the user can do next travels beside it: [Hinted] adds
// it, [Hint] finds it through any number of wrappings, and only cmd prints it. No error, and no printed configuration
// ([Redacted]), has a password.
package infra
