package redshift

// Kind is what there is to know of a type: a row of [table]. In its templates, %s stands for the quoted column, {mod} for
// the modifier, and {local} for the type of the cached column.
type Kind struct {
	name   string // as format_type writes it, without a modifier
	takes  sizing // whether the row is for columns with a modifier
	Local  string // the type of the cached column
	link   linkForm
	Stream StreamForm
	hash   hashForm
	Image  string // a template in PostgreSQL that shows every bit of a value; empty where equal values are the same
	Order  Order
}

// sizing says what a modifier is.
type sizing int

const (
	nothing sizing = iota // if there is one, it makes no difference
	length                // of a text, from 1 to [maxVarchar]
	digits                // the precision, or the precision and the scale
)

// maxVarchar is the longest VARCHAR of a Redshift table, in bytes. An expression can be longer.
const maxVarchar = 65535

// linkForm says how a value travels through dblink.
type linkForm struct {
	sent    string // a template on Redshift
	wire    string // the type in dblink's column list
	kept    string // a template in PostgreSQL
	content content
}

// content is what a value is beside its text.
type content int

const (
	exact      content = iota // its text is all of it, and in ASCII
	freeText                  // a text in any encoding, perhaps with zero bytes
	serialized                // a text in any encoding, once it is sent
	shortened                 // more than its text says, so that it is sent as a wider type to who reads texts
)

// StreamForm says how a value travels through a direct session.
type StreamForm struct {
	OID      uint32 // what the server announces; 0 is any that holds text
	Encoding Encoding
	Binary   bool // Redshift lays the value out as PostgreSQL does, so that it goes through as it is
}

// Encoding is how a value becomes one of PostgreSQL's binary COPY.
type Encoding int

// The encodings. Package session has an encoder for each.
const (
	_ Encoding = iota
	AsBool
	AsInt2
	AsInt4
	AsInt8
	AsFloat4
	AsFloat8
	AsNumeric // which must fit the column's precision and scale
	AsDate
	AsTime
	AsTimeTZ
	AsTimestamp
	AsTimestampTZ
	AsInterval
	AsJSONB
	AsBytea // from hexadecimal digits
	AsText
	AsPadded  // a text with as many blanks behind it as the column's length asks for, and no others
	AsUntyped // a text, whatever type the server announces
)

// Order says whether values can be compared on both sides, and what lies between two of them.
type Order int

// The orders.
const (
	NoOrder Order = iota // not comparable on Redshift, or not alike on both sides
	Sorted               // good for a key, as unique indexes need it
	Numbers              // good for a watermark and for ranges, too, of numbers
	Days                 // the same, of time
	Moments              // the same, of time, with parts of a day
)
