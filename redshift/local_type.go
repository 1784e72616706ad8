package redshift

// LocalType returns a type of a column that is computed in the cache, as PostgreSQL's format_type says it, with what is known of
// it where Redshift has the same. Of others, values are the same when every bit is, and whether they have an order is for
// PostgreSQL to say.
func LocalType(local string) Type {
	if known, err := Map(local); err == nil && known.Local == local {
		return known
	}
	return Type{Kind: Kind{Local: local, Image: rowImage, Order: Sorted}, Remote: ""}
}

// rowImage is the image of a type of which nothing is known: PostgreSQL sends any value in a row.
const rowImage = "pg_catalog.record_send(ROW(%s))"
