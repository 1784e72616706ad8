// Package lineage follows columns from query to query: back to the tables of Redshift, and forth to what is computed from them.
//
// A column comes from another one in one of three ways. Its value is copied; or it is computed from it, changed; or the other
// one only decides which rows there are: it filters. That is of the query, not of one of its columns. What cannot be said stays
// unknown along the whole way.
//
// What a single query does is found by package parse, and stored with the definition; so whoever only follows links no parser.
package lineage
