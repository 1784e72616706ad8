package redshift

import (
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
)

const (
	asIs = "%s"
	// stripNUL takes out zero bytes, at which libpq would cut the value without a word.
	stripNUL = "REPLACE(%s, CHR(0), '')"
	// checkUTF8 raises 22021 for bytes that are no UTF-8; dblink itself lets them in. Without COLLATE, the result would
	// sort as the encoding's name does, by "C".
	checkUTF8 = "(pg_catalog.convert_from(pg_catalog.convert_to(%s, 'UTF8'), 'UTF8') COLLATE pg_catalog.\"default\")"
	// fitting keeps precision and scale, and makes a value that does not fit them an error. A cast alone would round it,
	// and Redshift does deliver more digits than a computed column's type says.
	fitting = "(CASE WHEN %s = %s::numeric({mod}) THEN %s ELSE (%s || ' does not fit numeric({mod})')::numeric END)" +
		"::numeric({mod})"
	// refill puts the blanks at the end of a text that its type says: what asks for the text, REPLACE say, may have taken
	// them off. What is longer than was told stays.
	trimmed = "pg_catalog.rtrim(" + checkUTF8 + ", ' '::pg_catalog.text)"
	refill  = "pg_catalog.rpad(" + trimmed + ", GREATEST({mod}, pg_catalog.char_length(" + trimmed + ")))::pg_catalog.bpchar"
)

const (
	// paddedChar is how a CHAR is called whose length says how far its values are padded, and not how long they may be.
	paddedChar = "bpchar"
	// untyped is the type of a literal that nobody gave a type. Redshift makes nothing of it outside of the query that has
	// it: no function, no cast and no comparison.
	untyped = `"unknown"`
)

// How values travel through dblink.
var (
	unchanged = linkForm{asIs, same, asIs, exact}
	// Redshift's text of a REAL has eight digits at most, and one in seventy needs nine. The seventeen of a DOUBLE
	// PRECISION are enough for both.
	widened = linkForm{"(%s)::float8", "double precision", "(%s)::real", shortened}
	// A table's interval may arrive as a count of microseconds unless it is cast.
	casted   = linkForm{"(%s)::varchar", same, asIs, exact}
	fitted   = linkForm{asIs, "numeric", fitting, exact}
	stripped = linkForm{stripNUL, "text", checkUTF8, freeText}
	padded   = linkForm{stripNUL, "text", refill, freeText}
	// For a length from before [Unsized]. The wire type has it too: there a value that is too long is an error, where the
	// cast behind it would cut.
	limited = linkForm{stripNUL, same, "(" + checkUTF8 + ")::{local}", freeText}
	// REPLACE takes no text of a catalog on Redshift, and no untyped literal that comes out of a subquery.
	checked = linkForm{asIs, "text", checkUTF8, freeText}
	inJSON  = linkForm{"JSON_SERIALIZE(%s)", "text", "(" + checkUTF8 + ")::jsonb", serialized}
	inHex   = linkForm{asIs, "text", "pg_catalog.decode(%s, 'hex')", exact}
)

func binary(oid uint32, e Encoding) StreamForm {
	return StreamForm{OID: oid, Encoding: e, Binary: true}
}

func text(oid uint32, e Encoding) StreamForm { return StreamForm{OID: oid, Encoding: e} }

// byEquality is the image of types whose equal values are the same.
const byEquality = ""

// send has PostgreSQL make of a value what it is on the wire.
func send(typ string) string { return "pg_catalog." + typ + "send(%s)" }

// same says that a type of the cache is called as on Redshift, and one of the wire as in the cache.
const same = ""

// table has all types. A row is written without the names of its fields, so that one which lacks a property does not
// compile; tests take every row through all that uses the table. Types that differ in nothing but their names stand in a
// line, and become a row each.
var table = spread([]Kind{
	// on Redshift, modifier, cached as, through dblink, through a session, hashed, compared in PostgreSQL, in what order
	{"boolean", nothing, same, unchanged, binary(pgtype.BoolOID, AsBool), flags, byEquality, Sorted},
	{"smallint", nothing, same, unchanged, binary(pgtype.Int2OID, AsInt2), fixed("0::smallint"), byEquality, Numbers},
	{"integer", nothing, same, unchanged, binary(pgtype.Int4OID, AsInt4), fixed("0"), byEquality, Numbers},
	{"bigint", nothing, same, unchanged, binary(pgtype.Int8OID, AsInt8), fixed("0::bigint"), byEquality, Numbers},
	{"numeric", nothing, same, unchanged, text(pgtype.NumericOID, AsNumeric), texts("(%s)::varchar"), send("numeric_"), Numbers},
	// The zero is of the same type, so that no value is rounded to another scale.
	{"numeric", digits, same, fitted, text(pgtype.NumericOID, AsNumeric), fixed("0::numeric({mod})"), byEquality, Numbers},
	{"real", nothing, same, widened, binary(pgtype.Float4OID, AsFloat4), fixed("0::real"), send("float4"), Sorted},
	{
		"double precision", nothing, same, unchanged,
		binary(pgtype.Float8OID, AsFloat8), fixed("0::double precision"), send("float8"), Sorted,
	},

	{"date", nothing, same, unchanged, binary(pgtype.DateOID, AsDate), fixed("'2000-01-01'::date"), byEquality, Days},
	{
		"time without time zone", nothing, same, unchanged,
		text(pgtype.TimeOID, AsTime), fixed("'00:00:00'::time"), byEquality, Sorted,
	},
	{
		"time with time zone", nothing, same, unchanged,
		text(pgtype.TimetzOID, AsTimeTZ), fixed("'00:00:00+00'::timetz"), send("timetz_"), Sorted,
	},
	{
		"timestamp without time zone", nothing, same, unchanged,
		binary(pgtype.TimestampOID, AsTimestamp), fixed("'2000-01-01'::timestamp"), byEquality, Moments,
	},
	{
		"timestamp with time zone", nothing, same, unchanged,
		binary(pgtype.TimestamptzOID, AsTimestampTZ), fixed("'2000-01-01 00:00:00+00'::timestamptz"), byEquality, Moments,
	},
	{
		"interval, interval year to month, interval day to second", nothing, "interval", casted,
		text(0, AsInterval), texts("(%s)::varchar"), send("interval_"), Sorted,
	},

	{"character varying", nothing, "text", stripped, text(0, AsText), texts(stripNUL), byEquality, Sorted},
	{"character varying", length, same, limited, text(0, AsText), texts(stripNUL), byEquality, Sorted},
	{"character", nothing, "text", stripped, text(0, AsPadded), texts(stripNUL), byEquality, Sorted},
	{"character", length, same, limited, text(0, AsText), texts(stripNUL), byEquality, Sorted},
	{paddedChar, length, "bpchar", padded, text(0, AsPadded), texts(stripNUL), byEquality, Sorted},
	{untyped, nothing, "text", checked, text(0, AsUntyped), unhashable, byEquality, Sorted},

	{"super", nothing, "jsonb", inJSON, text(0, AsJSONB), texts("JSON_SERIALIZE(%s)"), send("jsonb_"), NoOrder},
	{"varbyte", nothing, "bytea", inHex, text(6551, AsBytea), texts("FROM_VARBYTE(%s, 'hex')"), byEquality, Sorted},
	// Cached as the text that Redshift shows. It compares no shapes (Database Developer Guide, considerations when using
	// spatial data), and shows one sketch in two ways.
	{
		"geometry, geometryhex, geography, hllsketch", nothing, "text", unchanged,
		text(0, AsText), unhashable, byEquality, NoOrder,
	},

	// Of system catalogs.
	{"tid, regproc, int2vector, oidvector, smgr", nothing, "text", unchanged, text(0, AsText), unhashable, byEquality, Sorted},
	{
		`unknown, name, "char", aclitem, useritem, roleitem, information_schema.sql_identifier, sql_identifier, ` +
			"information_schema.character_data, character_data, information_schema.yes_or_no, yes_or_no", nothing, "text", checked,
		text(0, AsText), unhashable, byEquality, Sorted,
	},
	{"oid, xid, cid", nothing, "bigint", unchanged, text(0, AsInt8), unhashable, byEquality, Numbers},
	{
		"information_schema.cardinal_number, cardinal_number", nothing, "integer", unchanged,
		text(0, AsInt4), unhashable, byEquality, Numbers,
	},
	{
		"abstime, information_schema.time_stamp, time_stamp", nothing, "timestamp with time zone", unchanged,
		text(0, AsTimestampTZ), unhashable, byEquality, Moments,
	},
})

// spread makes a row of each name, and writes out what is the same.
func spread(lines []Kind) (rows []Kind) {
	for _, k := range lines {
		for k.name = range strings.SplitSeq(k.name, ", ") {
			row := k
			switch {
			case row.Local == same && row.takes == nothing:
				row.Local = row.name
			case row.Local == same:
				row.Local = row.name + "({mod})"
			}
			if row.link.wire == same {
				row.link.wire = row.Local
			}
			row.link.kept = strings.ReplaceAll(row.link.kept, "{local}", row.Local)
			rows = append(rows, row)
		}
	}
	return rows
}

// otherNames are other names of a type.
var otherNames = map[string]string{
	"decimal": "numeric", "varchar": "character varying", "text": "character varying", "char": "character",
	"binary varying": "varbyte", "varbinary": "varbyte",
}

// unsized and sized are the rows by name, for columns without and with a modifier.
var unsized, sized = byName(func(k Kind) bool { return k.takes == nothing }), byName(func(k Kind) bool { return k.takes != nothing })

func byName(which func(Kind) bool) map[string]Kind {
	rows := map[string]Kind{}
	for _, k := range table {
		if which(k) {
			rows[k.name] = k
		}
	}
	return rows
}
