// Package redshift is what Redshift is: its SQL, its types, its hashes and its errors. It opens no connection: packages
// dblink and session do, and hand it a [Source] where a question has to be asked.
//
// # Text is read, not parsed
//
// The hard idea is that Redshift judges queries, and this package only reads them. A lexer that knows every way in which
// Redshift writes strings, names, numbers and comments is enough to say where a query ends, what it reads ([ReadsOf]),
// what makes its rows move by themselves ([Volatile]) and what it takes of them ([Limits]); whatever it does not know
// counts against the query. All that we send is a query of somebody's with a frame around it, see [Over].
//
// # Types
//
// The types are a table, in type_table.go: a type is one row, with all that anybody has to know of it. That is what it
// is called here, how it travels through dblink and through a session, how it is hashed, how values are compared, and
// whether they have an order that both servers agree on. [Map] finds the row, and everybody else asks the [Type]; a
// test lists the few other files that name a type. A row that lacks a property does not compile, and one that is new
// has tests ask for its values (package typetest) and for an encoder, if its encoding is new. What is not in the table
// has to be cast in the query.
//
// libpq cuts a value at a zero byte, and dblink lets in bytes that are no UTF-8: a text is therefore stripped of zero
// bytes on Redshift ([StripNUL]) and checked here, where a bad one raises 22021. The same care goes for numbers:
// Redshift delivers more digits than the type of a computed column says, and a cast would round them, so the cached
// numeric(p,s) compares before it casts and raises 22P02 ("1.005 does not fit numeric(5,2)"), or 22003 where the value
// is too large.
//
// # Whether anything changed
//
// Three probes tell whether a result is still what it was. [Volatile] reads the query's text: what asks the clock or the
// session is never the same for sure. [LastModified] asks catalogs when the tables were last changed, which costs the
// same whatever their size, is late by minutes, and is believed only where the plan proves that those tables are all.
// [Fingerprint] lets Redshift read everything and send one row, and is true to the moment.
//
// # Failures
//
// An error keeps the SQLSTATE that the remote gave. [SideOf] says who raised it, [Classify] what can help against it
// (Redshift reports most failures as XX000, and dblink every failed connection as 08001, so it reads texts too), and
// [Explain] says to a human what it means and what to do.
package redshift
