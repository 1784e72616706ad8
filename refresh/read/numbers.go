package read

import (
	"fmt"
	"math/big"
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

// NumbersOf returns the values of a local type of which [catalog.View.WatermarkKind] says that it is numeric.
func NumbersOf(typ string) Numbers {
	bits := map[string]uint{"smallint": 15, "integer": 31, "bigint": 63}[typ]
	if bits > 0 {
		end := new(big.Int).Lsh(big.NewInt(1), bits)
		return Numbers{
			Type: typ, Fixed: true, Lowest: new(big.Rat).SetInt(new(big.Int).Neg(end)),
			Highest: new(big.Rat).SetInt(end.Sub(end, big.NewInt(1))),
		}
	}
	r := Numbers{Type: typ, Fixed: true}
	precision := 0
	if _, err := fmt.Sscanf(typ, "numeric(%d,%d)", &precision, &r.Scale); err != nil {
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
