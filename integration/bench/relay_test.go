package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
)

// message is one of the protocol's; kind 0 makes one without a type.
func message(kind byte, body string) []byte {
	var b []byte
	if kind != 0 {
		b = append(b, kind)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(4+len(body)))
	return append(b, body...)
}

// Only the setting of Redshift's is translated, and only where it is set.
func TestForward_TranslatesSettings(t *testing.T) {
	t.Parallel()
	type part struct {
		kind       byte
		sent, want string
	}
	var sent, want []byte
	for _, p := range []part{
		{0, "\x00\x03\x00\x00user\x00set query_group to x\x00\x00", "\x00\x03\x00\x00user\x00set query_group to x\x00\x00"},
		{'p', "SET query_group TO 'a'\x00", "SET query_group TO 'a'\x00"},
		{
			'Q', "SET datestyle TO ISO; SET query_group TO 'a'; SELECT 1\x00",
			"SET datestyle TO ISO; SET redshift.query_group TO 'a'; SELECT 1\x00",
		},
		{'P', "\x00set  query_group to 'b'\x00\x00\x00", "\x00SET redshift.query_group to 'b'\x00\x00\x00"},
		{'Q', "SELECT query_group\x00", "SELECT query_group\x00"},
		{'S', "", ""},
	} {
		sent, want = append(sent, message(p.kind, p.sent)...), append(want, message(p.kind, p.want)...)
	}
	var got bytes.Buffer
	if err := forward(&got, bytes.NewReader(sent)); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: got %v, want EOF", err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got  %q\nwant %q", got.Bytes(), want)
	}
}

func TestForward_RefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, size := range []uint32{0, 3, maxMessage + 5, 1<<32 - 1} {
		err := forward(io.Discard, bytes.NewReader(binary.BigEndian.AppendUint32(nil, size)))
		if !errors.Is(err, errTooLong) {
			t.Errorf("length %d: got %v, want %v", size, err, errTooLong)
		}
	}
}
