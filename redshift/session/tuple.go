package session

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// appendTuple turns the body of a row into a tuple of a binary COPY. The two are laid out alike, a count and then each
// value behind its length, so that what needs no encoding is copied together, as far as it reaches.
func appendTuple(dst, body []byte, columns []codec) ([]byte, error) {
	if int(binary.BigEndian.Uint16(body)) != len(columns) {
		return nil, &ProtocolError{"a row has another number of values than there are columns"}
	}
	copied, at := 0, 2
	for i := range columns {
		c := &columns[i]
		if len(body)-at < 4 {
			return nil, errCutRow
		}
		size := int(int32(binary.BigEndian.Uint32(body[at:])))
		at += 4
		if size == -1 {
			continue
		}
		if size < 0 || size > len(body)-at {
			return nil, errCutRow
		}
		value := body[at : at+size]
		at += size
		switch {
		case c.encode == nil && c.passes(value):
			continue
		case c.size > 0:
			return nil, c.wrong(errWrongLength)
		}
		dst = append(dst, body[copied:at-size]...)
		copied = at
		var err error
		if dst, err = c.append(dst, value); err != nil {
			return nil, c.wrong(err)
		}
	}
	if at != len(body) {
		return nil, errCutRow
	}
	return append(dst, body[copied:]...), nil
}

var errCutRow = &ProtocolError{"a row's lengths do not add up"}

func (c *codec) wrong(err error) error {
	return &ValueError{Column: c.Name, Type: c.Type.Local, Err: err}
}

// passes tells whether a value of a column without an encoder is handed on as it is.
func (c *codec) passes(value []byte) bool {
	if c.size > 0 {
		return len(value) == c.size
	}
	if c.trim {
		if n := utf8.RuneCount(value); n < c.pad || n > c.pad && bytes.HasSuffix(value, []byte(" ")) {
			return false
		}
	}
	return !c.strip || bytes.IndexByte(value, 0) < 0
}

// append writes the value in its other form, and corrects the length that dst ends in.
func (c *codec) append(dst, value []byte) (_ []byte, err error) {
	start := len(dst)
	if c.encode != nil {
		dst, err = c.encode(dst, value)
	} else {
		dst = c.appendClean(dst, value)
	}
	if err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint32(dst[start-4:], uint32(len(dst)-start))
	return dst, nil
}

// appendClean writes a text without its zero bytes where these are not to stay, and with the padding that it is to have.
func (c *codec) appendClean(dst, text []byte) []byte {
	start := len(dst)
	for found := true; found; {
		clean := text
		if found = false; c.strip {
			clean, text, found = bytes.Cut(text, []byte{0})
		}
		dst = append(dst, clean...)
	}
	if !c.trim {
		return dst
	}
	dst = dst[:start+len(bytes.TrimRight(dst[start:], " "))]
	for n := utf8.RuneCount(dst[start:]); n < c.pad; n++ {
		dst = append(dst, ' ')
	}
	return dst
}
