package session

import "github.com/redcache/redcache/redshift"

// Plan says why a column cannot be read.
func Plan(c redshift.Column, integerDatetimes bool) error {
	_, err := plan(c, StripNUL, integerDatetimes)
	return err
}

// Encode returns the binary form of a value that arrives as text, whether or not its type could arrive in another way.
func Encode(c redshift.Column, text string) ([]byte, error) {
	c.Type.Stream.Binary = false
	codec, err := plan(c, StripNUL, false)
	if err != nil {
		return nil, err
	}
	dst, err := codec.append([]byte{0, 0, 0, 0}, []byte(text))
	if err != nil {
		return nil, err
	}
	return dst[4:], nil
}
