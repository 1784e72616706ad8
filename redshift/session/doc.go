// Package session is a direct session to Redshift, for workers that can reach it themselves, and yields the rows of a
// query as PostgreSQL's binary COPY.
//
// # Never decode what need not be decoded
//
// The hard idea is that a row in the protocol and a tuple in a binary COPY are the same bytes: a count, and then each
// value behind its length. Where both sides lay a value out alike, it goes from one connection to the other as it came;
// nothing is allocated for a row or a value. Only what differs is taken from text and encoded here.
//
//	Redshift ─▶ link ─▶ wire ─┬─ rows ───────────▶ appendTuple ─▶ Reader ─▶ CopyFrom ─▶ PostgreSQL
//	                          └─ all else ─▶ pgconn
//
// pgconn keeps the books of the protocol: login, TLS, errors, cancelling. But wire takes the rows out before pgconn
// would build a slice of every value. A second goroutine that reads ahead was measured and is slower: the sockets'
// buffers overlap the two servers' work already.
//
// # Who is trusted with what
//
// Redshift is trusted with the order of the protocol, and with nothing in it. Columns are matched by number, position,
// name, type and format before the first row ([ShapeError]), the length of each binary value with its type, the lengths
// within a row with the row's ([ProtocolError]). Buffers grow with bytes that have arrived, not with lengths that are
// claimed. What is in a value is judged by PostgreSQL, whose binary input functions check UTF-8, lengths of texts, JSON,
// and the ranges of dates; only numeric is checked here, as PostgreSQL would round it without a word ([ValueError]).
// The end is believed only when the server has said that the statement is complete; all else fails the COPY.
//
//	on Redshift                     on the wire   into the COPY                    checked by
//	boolean, integers, floats       binary        as it is                         length
//	date, timestamp, timestamptz    binary (1)    as it is                         length; PostgreSQL
//	numeric                         text (2)      base 10,000                      here: must fit without rounding
//	time, timetz                    text (3)      microseconds, zone               here
//	interval                        text (4)      microseconds, days, months       here
//	char, varchar, text, names      text          as it is, without zeros (5)      PostgreSQL
//	super                           text          a version byte and the text      PostgreSQL
//	varbyte                         text (6)      bytes                            here
//	oid, xid, cid                   text          bigint                           here
//	geometry, hllsketch and such    text          as it is                         PostgreSQL
//
//	(1) Drivers that ask for binary wherever they can (asyncpg, Npgsql, pgx) are in use against Redshift, and their users
//	    reported only numeric as different. Where integer_datetimes is not announced as on, these are text.
//	(2) Redshift's binary numeric is a scaled integer of 8 or 16 bytes, which PostgreSQL's layout is not:
//	    https://github.com/npgsql/npgsql/issues/3843, https://github.com/MagicStack/asyncpg/issues/766
//	(3) Nobody has reported on the binary form.
//	(4) The query casts them to varchar: from a table, the older kind comes as a count of microseconds,
//	    https://github.com/psycopg/psycopg2/issues/558. A form that is not known is an error.
//	(5) Redshift stores zero bytes, PostgreSQL cannot. With dblink Redshift takes them out, here [StripNUL] does.
//	(6) Bare hexadecimal digits.
//
// The rows are those that package dblink brings, byte for byte; a conformance suite loads both and compares. The queries
// are built by redshift.Select.
//
// # What ends a read
//
// A context that ends, or [Session.Close], sends the server a request to cancel, and gives the connection up 4 s later
// if that did not help. Once rows flow, a pause of [Config.Silence] is a dead connection. Before the first row nothing
// but the context and the server's statement_timeout limits the wait, since a query may compute for long; TCP
// keepalives notice a peer that is gone. A server may send nothing at all before the first rows, so [Session.Read] can
// wait as well.
//
// Nothing from the environment gets in: pgconn reads PG* variables and files in the home directory, which on a worker
// are about another database. See Config.connection.
package session
