package session

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
)

// What can be wrong with a value. None of them says what the value is.
var (
	errDoesNotFit  = errors.New("a value does not fit")
	errNoNumber    = errors.New("a value is not a number")
	errNoTime      = errors.New("a value is not written as a date or time in ISO form")
	errNoInterval  = errors.New("an interval is written in a form that is not known")
	errNoHex       = errors.New("a value is not written in hexadecimal digits")
	errWrongLength = errors.New("a binary value has another length than its type")
)

// integer encodes integers of a size, for types that PostgreSQL keeps as one, such as oid.
func integer(size int) encoder {
	highest := uint64(1)<<(8*size-1) - 1
	return func(dst, text []byte) ([]byte, error) {
		negative := len(text) > 0 && text[0] == '-'
		if negative {
			text = text[1:]
		}
		magnitude, rest, ok := natural(text)
		switch {
		case !ok || len(rest) > 0:
			return nil, errNoNumber
		case magnitude > highest && !(negative && magnitude == highest+1):
			return nil, errDoesNotFit
		}
		if negative {
			magnitude = -magnitude
		}
		dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)[:len(dst)+size]
		for i := range size {
			dst[len(dst)-1-i] = byte(magnitude >> (8 * i))
		}
		return dst, nil
	}
}

// natural reads the digits at the beginning of a text. It does not read a number past 19 digits.
func natural(text []byte) (n uint64, rest []byte, ok bool) {
	i := 0
	for ; i < len(text) && text[i]-'0' <= 9; i++ {
		n = n*10 + uint64(text[i]-'0')
	}
	return n, text[i:], i > 0 && i <= 19
}

// appendJSONB puts the version of jsonb's binary form before the text, which PostgreSQL parses and checks.
func appendJSONB(dst, text []byte) ([]byte, error) { return append(append(dst, 1), text...), nil }

// appendBytea decodes the bare hexadecimal digits of a VARBYTE.
func appendBytea(dst, text []byte) ([]byte, error) {
	dst, err := hex.AppendDecode(dst, text)
	if err != nil {
		return nil, errNoHex // the package's own error quotes the value
	}
	return dst, nil
}

func appendInt64(dst []byte, n int64) []byte { return binary.BigEndian.AppendUint64(dst, uint64(n)) }

func appendInt32(dst []byte, n int32) []byte { return binary.BigEndian.AppendUint32(dst, uint32(n)) }

// signed gives a magnitude its sign if an int64 can hold it.
func signed(magnitude uint64, negative bool) (int64, bool) {
	if negative {
		return -int64(magnitude), magnitude <= math.MaxInt64+1
	}
	return int64(magnitude), magnitude <= math.MaxInt64
}
