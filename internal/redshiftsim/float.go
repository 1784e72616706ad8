package redshiftsim

import (
	"math"
	"strconv"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"
)

// The digits that 8.0 prints of a float, to which extra_float_digits adds.
const (
	realDigits   = 6
	doubleDigits = 15
)

// floatDigits is the session's extra_float_digits. What a client sets is noted by run, and read by relay.
type floatDigits struct{ extra atomic.Int32 }

// set takes a value over that [checkSetting] has let pass; DEFAULT is zero.
func (d *floatDigits) set(value string) {
	n, _ := strconv.Atoi(value)
	d.extra.Store(int32(n))
}

// print writes a float's text as 8.0 does, with so many digits and no more. A modern engine takes any extra_float_digits
// above zero for the wish to have the shortest text that is exact, which can be nine digits of a REAL, where 8.0 prints
// eight at most. Below one the two agree.
func (d *floatDigits) print(f field, value []byte) []byte {
	extra := int(d.extra.Load())
	if extra < 1 || f.format != pgproto3.TextFormat {
		return value
	}
	digits, bits := 0, 64
	switch f.oid {
	case pgtype.Float4OID:
		digits, bits = realDigits+extra, 32
	case pgtype.Float8OID:
		digits = doubleDigits + extra
	default:
		return value
	}
	number, err := strconv.ParseFloat(string(value), bits)
	if err != nil || math.IsNaN(number) || math.IsInf(number, 0) {
		return value
	}
	return strconv.AppendFloat(nil, number, 'g', digits, 64)
}
