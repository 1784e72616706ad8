package session

import (
	"bytes"
	"encoding/binary"
)

// PostgreSQL's binary numeric is four 16-bit words (how many digits follow, the power of 10,000 of the first one, the
// sign, how many decimals are shown) and then digits of base 10,000 without zeros at either end.
const (
	groupWidth = 4

	signPositive         = 0x0000
	signNegative         = 0x4000
	signNaN              = 0xC000
	signInfinity         = 0xD000 // PostgreSQL 14 and later; older ones refuse it
	signNegativeInfinity = 0xF000

	maxWholeDigits = 131072
	maxDecimals    = 16383
)

// append encodes a decimal. A value that the column's type would round or cannot hold is an error, as dblink has it.
func (l limit) append(dst, text []byte) ([]byte, error) {
	sign, digits := uint16(signPositive), text
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		if digits = text[1:]; text[0] == '-' {
			sign = signNegative
		}
	}
	whole, decimals := digits, []byte(nil)
	if point := bytes.IndexByte(digits, '.'); point >= 0 {
		whole, decimals = digits[:point], digits[point+1:]
	}
	if len(whole)+len(decimals) == 0 || !isDecimal(whole) || !isDecimal(decimals) {
		return l.appendSpecial(dst, text)
	}
	for len(whole) > 0 && whole[0] == '0' {
		whole = whole[1:]
	}
	if len(whole) > maxWholeDigits || len(decimals) > maxDecimals || !l.fits(whole, decimals) {
		return nil, errDoesNotFit
	}
	return appendDecimal(dst, sign, whole, decimals), nil
}

// isDecimal tells whether there are only digits.
func isDecimal(text []byte) bool {
	for _, c := range text {
		if c-'0' > 9 {
			return false
		}
	}
	return true
}

// fits tells whether the type holds the value without rounding it. whole has no leading zeros.
func (l limit) fits(whole, decimals []byte) bool {
	if !l.bounded || len(whole) <= l.precision-l.scale && len(decimals) <= l.scale {
		return true
	}
	// Powers of ten of the first and the last digit that is not zero.
	first, last := len(whole)-1, 0
	if lastDecimal := lastNonZero(decimals); lastDecimal >= 0 {
		last = -1 - lastDecimal
		if len(whole) == 0 {
			first = -1 - firstNonZero(decimals)
		}
	} else if len(whole) > 0 {
		last = len(whole) - 1 - lastNonZero(whole)
	} else {
		return true // zero
	}
	return first < l.precision-l.scale && last >= -l.scale
}

func firstNonZero(digits []byte) int {
	for i, c := range digits {
		if c != '0' {
			return i
		}
	}
	return -1
}

func lastNonZero(digits []byte) int {
	for i := len(digits) - 1; i >= 0; i-- {
		if digits[i] != '0' {
			return i
		}
	}
	return -1
}

// appendDecimal writes a number whose digits are known to be digits.
func appendDecimal(dst []byte, sign uint16, whole, decimals []byte) []byte {
	shown := len(decimals)
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	weight := (len(whole)+groupWidth-1)/groupWidth - 1
	for len(whole) > 0 {
		width := (len(whole)-1)%groupWidth + 1 // only the first one can be short
		dst = binary.BigEndian.AppendUint16(dst, group(whole[:width]))
		whole = whole[width:]
	}
	if weight < 0 {
		for len(decimals) >= groupWidth && group(decimals[:groupWidth]) == 0 {
			decimals = decimals[groupWidth:]
			weight--
		}
	}
	for ; len(decimals) >= groupWidth; decimals = decimals[groupWidth:] {
		dst = binary.BigEndian.AppendUint16(dst, group(decimals[:groupWidth]))
	}
	if missing := groupWidth - len(decimals); missing < groupWidth {
		dst = binary.BigEndian.AppendUint16(dst, group(decimals)*[groupWidth]uint16{1, 10, 100, 1000}[missing])
	}
	for len(dst) > start+8 && dst[len(dst)-1] == 0 && dst[len(dst)-2] == 0 {
		dst = dst[:len(dst)-2]
	}
	count := (len(dst) - start - 8) / 2
	if count == 0 {
		weight, sign = 0, signPositive // there is no negative zero
	}
	putHead(dst[start:], uint16(count), uint16(int16(weight)), sign, uint16(shown))
	return dst
}

// group is the number that up to four digits stand for.
func group(digits []byte) uint16 {
	var n uint16
	for _, c := range digits {
		n = n*10 + uint16(c-'0')
	}
	return n
}

func putHead(dst []byte, count, weight, sign, shown uint16) {
	binary.BigEndian.PutUint16(dst, count)
	binary.BigEndian.PutUint16(dst[2:], weight)
	binary.BigEndian.PutUint16(dst[4:], sign)
	binary.BigEndian.PutUint16(dst[6:], shown)
}

// appendSpecial encodes what is no decimal. A type with a precision holds NaN, and no infinity.
func (l limit) appendSpecial(dst, text []byte) ([]byte, error) {
	var sign uint16
	switch string(text) {
	case "NaN":
		sign = signNaN
	case "Infinity":
		sign = signInfinity
	case "-Infinity":
		sign = signNegativeInfinity
	default:
		return nil, errNoNumber
	}
	if l.bounded && sign != signNaN {
		return nil, errDoesNotFit
	}
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	putHead(dst[start:], 0, 0, sign, 0)
	return dst, nil
}
