package session

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

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

// sharedLayout has the types whose binary values Redshift and PostgreSQL lay out alike.
var sharedLayout = map[string]struct {
	oid  uint32
	size int
}{
	"boolean":                     {pgtype.BoolOID, 1},
	"smallint":                    {pgtype.Int2OID, 2},
	"integer":                     {pgtype.Int4OID, 4},
	"bigint":                      {pgtype.Int8OID, 8},
	"real":                        {pgtype.Float4OID, 4},
	"double precision":            {pgtype.Float8OID, 8},
	"date":                        {pgtype.DateOID, 4},
	"timestamp without time zone": {pgtype.TimestampOID, 8},
	"timestamp with time zone":    {pgtype.TimestamptzOID, 8},
}

// announced are the types whose OID is known, beyond those of sharedLayout.
var announced = map[string]uint32{
	"time without time zone": pgtype.TimeOID,
	"time with time zone":    pgtype.TimetzOID,
	"varbyte":                6551,
}

// encoders are for the types that arrive as text, by the type in the cache.
var encoders = map[string]encoder{
	"smallint":                    integer(2),
	"integer":                     integer(4),
	"bigint":                      integer(8),
	"date":                        appendDate,
	"timestamp without time zone": appendTimestamp,
	"timestamp with time zone":    appendTimestampTZ,
	"time without time zone":      appendTime,
	"time with time zone":         appendTimeTZ,
	"interval":                    appendInterval,
	"jsonb":                       appendJSONB,
	"bytea":                       appendBytea,
}

// plan decides how a column travels. integerDatetimes is what the server says of its binary dates and times.
func plan(c redshift.Column, nul NulPolicy, integerDatetimes bool) (codec, error) {
	dated := strings.HasPrefix(c.Type.Local, "date") || strings.HasPrefix(c.Type.Local, "timestamp")
	if b, ok := sharedLayout[c.Type.Remote]; ok && c.Type.Local == c.Type.Remote {
		if dated && !integerDatetimes {
			return codec{Column: c, oid: b.oid, encode: encoders[c.Type.Local]}, nil
		}
		return codec{Column: c, oid: b.oid, size: b.size}, nil
	}
	name, modifier, _ := strings.Cut(c.Type.Local, "(")
	if name == "numeric" {
		limit, err := parseLimit(modifier)
		return codec{Column: c, oid: pgtype.NumericOID, encode: limit.append}, err
	}
	if slices.Contains(textual, name) {
		return planText(c, nul), nil
	}
	if encode, ok := encoders[c.Type.Local]; ok {
		return codec{Column: c, oid: announced[c.Type.Remote], encode: encode}, nil
	}
	return codec{}, fmt.Errorf("column %q: type %s cannot be streamed", c.Name, c.Type.Local)
}

// textual are the types in the cache that hold a text as it is.
var textual = []string{"character varying", "character", "bpchar", "text"}

// opaque are the types that are cached as the text that Redshift shows for them. That text has no zero bytes.
var opaque = map[string]bool{
	"geometry": true, "geometryhex": true, "geography": true, "hllsketch": true, "tid": true, "regproc": true,
	"int2vector": true, "oidvector": true, "smgr": true,
}

// planText does to texts what happens to them on the way through dblink: zero bytes go, and the padding of a CHAR becomes
// what its type says.
func planText(c redshift.Column, nul NulPolicy) codec {
	text := codec{Column: c, strip: nul == StripNUL && !opaque[c.Type.Remote], trim: c.Type.Remote == "character"}
	if _, err := fmt.Sscanf(c.Type.Remote, "bpchar(%d)", &text.pad); err == nil {
		text.trim = true
	}
	return text
}

// limit is the precision and scale of a numeric column, if it has one.
type limit struct {
	bounded          bool
	precision, scale int
}

// parseLimit reads "10,2)", or nothing.
func parseLimit(modifier string) (limit, error) {
	if modifier == "" {
		return limit{}, nil
	}
	precision, scale, _ := strings.Cut(strings.TrimSuffix(modifier, ")"), ",")
	p, err := strconv.Atoi(strings.TrimSpace(precision))
	if err != nil || p < 1 {
		return limit{}, fmt.Errorf("type numeric(%s has no precision", modifier)
	}
	s := 0
	if scale != "" {
		if s, err = strconv.Atoi(strings.TrimSpace(scale)); err != nil || s > math.MaxInt16 || s < math.MinInt16 {
			return limit{}, fmt.Errorf("type numeric(%s has no scale", modifier)
		}
	}
	return limit{bounded: true, precision: p, scale: s}, nil
}
