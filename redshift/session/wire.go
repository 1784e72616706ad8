package session

import (
	"encoding/binary"
	"fmt"
	"io"
)

const (
	// wireSize is how much is read from the connection at once. Larger than the 8 KiB that the server sends at a time:
	// while we were busy with one part, several more have arrived.
	wireSize = 64 << 10
	// messageHead is a message's type and its length.
	messageHead = 5
	// maxRow is the longest row that is taken. A table's row on Redshift has 1,600 columns of 64 KiB at most, or SUPERs.
	maxRow = 256 << 20
	// maxMessage is the longest message that pgconn gets, which makes room for what is announced before it arrives.
	maxMessage = 32 << 20
)

// wire stands between the connection and pgconn. pgconn reads all messages through it and keeps the books of the
// protocol, but the rows, which are most of the bytes, can be taken out before pgconn sees them: see row. That works
// because wire never hands pgconn more than the message that it asked for, so nothing is left in pgconn's own buffer.
type wire struct {
	r        io.Reader
	buf      []byte
	from, to int   // where the bytes are that were read and not yet handed out
	left     int   // how much of the present message pgconn has yet to take
	err      error // ended the connection
}

func newWire(r io.Reader) *wire { return &wire{r: r, buf: make([]byte, wireSize)} }

// Read hands out at most the rest of one message. It is pgconn that judges what the message says.
func (w *wire) Read(p []byte) (int, error) {
	if w.left == 0 {
		if err := w.fill(messageHead); err != nil && w.from == w.to {
			return 0, err
		}
		if w.left = w.next(); w.left > maxMessage {
			w.err = &ProtocolError{fmt.Sprintf("a message has a body length of %d bytes", w.left-messageHead)}
			w.from, w.to = 0, 0
			return 0, w.err
		}
	}
	if err := w.fill(1); err != nil {
		return 0, err
	}
	n := copy(p, w.buf[w.from:min(w.to, w.from+w.left)])
	w.from += n
	w.left -= n
	return n, nil
}

// next is the size of the message that begins here; when even its head is cut off, what there is of it.
func (w *wire) next() int {
	if w.to-w.from < messageHead {
		return w.to - w.from
	}
	return max(messageHead, 1+w.length())
}

// length is the length that the message here claims, which counts itself.
func (w *wire) length() int { return int(int32(binary.BigEndian.Uint32(w.buf[w.from+1:]))) }

// row returns the body of the next message when that is a whole row. It returns nil for any other message and for a
// connection that ended: asking pgconn for the next message tells which. The body is valid until the next call.
func (w *wire) row() []byte {
	if w.left > 0 || w.fill(messageHead) != nil || w.buf[w.from] != 'D' {
		return nil
	}
	length := w.length()
	if length < 4+2 || length > maxRow || w.fill(1+length) != nil {
		return nil
	}
	body := w.buf[w.from+messageHead : w.from+1+length]
	w.from += 1 + length
	return body
}

// fill reads until n bytes are there in one piece.
func (w *wire) fill(n int) error {
	for w.to-w.from < n {
		if w.err != nil {
			return w.err
		}
		w.makeRoom(n)
		var got int
		got, w.err = w.r.Read(w.buf[w.to:])
		w.to += got
	}
	return nil
}

// makeRoom lets at least one more byte of a piece of n follow those that are here. The buffer grows with the bytes
// that have arrived, never with a length that is only claimed.
func (w *wire) makeRoom(n int) {
	if w.from+n <= len(w.buf) {
		return
	}
	held := w.buf[w.from:w.to]
	if len(held) == len(w.buf) {
		w.buf = make([]byte, 2*len(w.buf))
	}
	w.from, w.to = 0, copy(w.buf, held)
}
