package session

import (
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/redshift"
)

// NulPolicy says what happens to zero bytes in texts, which PostgreSQL cannot hold.
type NulPolicy int

const (
	// StripNUL takes zero bytes out here. It is the default.
	StripNUL NulPolicy = iota
	// TrustText hands texts on untouched. PostgreSQL refuses one with a zero byte by SQLSTATE 22021.
	TrustText
)

// encoder appends the value that a text stands for in PostgreSQL's binary form, without its length.
type encoder func(dst, text []byte) ([]byte, error)

// codec is how the values of a column become those of a COPY. A column with a size is binary and goes through as it is;
// one with an encoder is text that becomes something else; one with neither is text that stays text.
type codec struct {
	redshift.Column
	oid    uint32  // what the server must announce; 0 is any that holds text
	size   int     // of a binary value
	encode encoder // of a text whose form differs
	strip  bool    // take zero bytes out of the text
	trim   bool    // take trailing blanks off the text
	pad    int     // put as many back that it has so many characters
}

// format is what the server is asked for.
func (c *codec) format() int16 {
	if c.size > 0 {
		return pgx.BinaryFormatCode
	}
	return pgx.TextFormatCode
}

// sizes are the encodings whose binary values Redshift and PostgreSQL can lay out alike.
var sizes = map[redshift.Encoding]int{
	redshift.AsBool: 1, redshift.AsInt2: 2, redshift.AsInt4: 4, redshift.AsInt8: 8, redshift.AsFloat4: 4, redshift.AsFloat8: 8,
	redshift.AsDate: 4, redshift.AsTimestamp: 8, redshift.AsTimestampTZ: 8,
}

// dated are those of them that a server may keep as floating-point numbers.
var dated = map[redshift.Encoding]bool{redshift.AsDate: true, redshift.AsTimestamp: true, redshift.AsTimestampTZ: true}

// encoders are for values that arrive as text. A number's encoder depends on the column, see [limit], and a text stays one.
var encoders = map[redshift.Encoding]encoder{
	redshift.AsInt2:        integer(2),
	redshift.AsInt4:        integer(4),
	redshift.AsInt8:        integer(8),
	redshift.AsDate:        appendDate,
	redshift.AsTimestamp:   appendTimestamp,
	redshift.AsTimestampTZ: appendTimestampTZ,
	redshift.AsTime:        appendTime,
	redshift.AsTimeTZ:      appendTimeTZ,
	redshift.AsInterval:    appendInterval,
	redshift.AsJSONB:       appendJSONB,
	redshift.AsBytea:       appendBytea,
}

// plan decides how a column travels. integerDatetimes is what the server says of its binary dates and times.
func plan(c redshift.Column, nul NulPolicy, integerDatetimes bool) (codec, error) {
	form, known := c.Type.Stream, true
	p := codec{Column: c, oid: form.OID}
	switch e := form.Encoding; {
	case form.Binary && (integerDatetimes || !dated[e]):
		p.size, known = sizes[e]
	case e == redshift.AsNumeric:
		p.encode = limit{bounded: c.Type.Precision > 0, precision: c.Type.Precision, scale: c.Type.Scale}.append
	case e == redshift.AsText, e == redshift.AsPadded, e == redshift.AsUntyped:
		// What happens to texts on the way through dblink: zero bytes go, and the padding of a CHAR becomes what its type says.
		p.strip = nul == StripNUL && c.Type.IsText()
		if p.trim = e == redshift.AsPadded; p.trim {
			p.pad = c.Type.Length
		}
	default:
		p.encode, known = encoders[e]
	}
	if !known {
		return codec{}, fmt.Errorf("column %q: type %s cannot be streamed", c.Name, c.Type.Local)
	}
	return p, nil
}

// limit is the precision and scale of a numeric column, if it has one.
type limit struct {
	bounded          bool
	precision, scale int
}
