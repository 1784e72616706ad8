// Package read brings the rows of a query from Redshift into a table of the cache database, by one transport or another.
//
// The hard idea is that a transport is a session on Redshift and a way for its rows, and that nobody who has one needs to
// know which. A [Session] answers small questions, keeps a snapshot, and loads a [Query] into a table. Two things set
// transports apart, and each is asked for, not guessed: whether PostgreSQL itself can select the rows, so that a
// materialized view can be made of them ([Session.Selects]), and whether rows come frozen, so that every snapshot sees
// them ([Loaded]).
//
//	dblink   PostgreSQL reads, inside of the statement that writes; rows never pass through this process
//	stream   this process reads, through several sessions where it is asked to, and hands PostgreSQL a COPY
package read
