// Package redshift is a direct session to Redshift, for a worker that can reach it itself, and yields the rows of a
// query as a binary COPY for PostgreSQL.
package redshift
