package redshift

// Reference is a place in a query where a relation is named.
type Reference struct {
	Relation      // without a schema where the query names none
	From, To int  // offsets in the query, from the first letter of the name to behind its last
	Aliased  bool // an alias follows, or none can
}

// References returns the places at which a query, that [CheckQuery] accepted, names relations, in their order. What WITH
// has given a name to, paths into values and functions are none. A name of three parts has the database of the session in
// front; another one makes the error an [*UntrustedError], as does what cannot be told from the text.
func References(query, database string) ([]Reference, error) {
	tokens, err := tokensOf(query)
	if err != nil {
		return nil, untrusted("the query cannot be read: %v", err)
	}
	f := relationFinder{scan: scan{query: query, tokens: tokens, exact: database == ""}, database: database, loose: true}
	err = f.find()
	return f.found.places, err
}
