package read

import (
	"fmt"
	"math/big"

	"github.com/redcache/redcache/redshift"
)

// mostDigits is how many digits a NUMERIC of Redshift has at most.
const mostDigits = 38

// Numbers are the values of a column of numbers.
type Numbers struct {
	Type            string
	Scale           int
	Fixed           bool // the scale is that of the type
	Lowest, Highest *big.Rat
}

// magnitude is how many bits integers have beside their sign.
var magnitude = map[redshift.Encoding]uint{redshift.AsInt2: 15, redshift.AsInt4: 31, redshift.AsInt8: 63}

// NumbersOf returns the values of a type whose order is that of [redshift.Numbers].
func NumbersOf(t redshift.Type) Numbers {
	if bits := magnitude[t.Stream.Encoding]; bits > 0 {
		end := new(big.Int).Lsh(big.NewInt(1), bits)
		return Numbers{
			Type: t.Local, Fixed: true, Lowest: new(big.Rat).SetInt(new(big.Int).Neg(end)),
			Highest: new(big.Rat).SetInt(end.Sub(end, big.NewInt(1))),
		}
	}
	r, precision := Numbers{Type: t.Local, Scale: t.Scale, Fixed: true}, t.Precision
	if precision == 0 {
		precision, r = mostDigits, Numbers{Type: fmt.Sprintf("numeric(%d,0)", mostDigits)}
	}
	end := new(big.Int).Sub(powerOfTen(precision), big.NewInt(1))
	r.Highest = new(big.Rat).SetFrac(end, powerOfTen(r.Scale))
	r.Lowest = new(big.Rat).Neg(r.Highest)
	return r
}

// ScaledFor is a type of as many digits behind the point as the value has, as far as there is room for them.
func (r Numbers) ScaledFor(value *big.Rat) Numbers {
	digits, _ := value.FloatPrec()
	whole := new(big.Int).Quo(value.Num(), value.Denom())
	room := mostDigits - len(whole.Abs(whole).String())
	r.Scale = max(0, min(digits, room))
	r.Type = fmt.Sprintf("numeric(%d,%d)", mostDigits, r.Scale)
	return r
}

// Text writes the highest value of the scale that is not above the given one.
func (r Numbers) Text(value *big.Rat) string {
	unit := powerOfTen(r.Scale)
	n := new(big.Int).Mul(value.Num(), unit)
	n.Div(n, value.Denom()) // rounds down, as the denominator is positive
	return new(big.Rat).SetFrac(n, unit).FloatString(r.Scale)
}

func powerOfTen(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}
