package session_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/redshift/session"
)

// liar is a server that answers every query with what it was told to say, sensible or not.
type liar struct {
	listener net.Listener
	fields   []pgproto3.FieldDescription // what it announces
	answers  []pgproto3.FieldDescription // what it announces when rows are asked for, if that is something else
	status   map[string]string
	rows     []byte // raw messages
	formats  chan []int16
}

func startLiar(t *testing.T, l *liar) *session.Session {
	t.Helper()
	l.listener = listen(t)
	l.formats = make(chan []int16, 1)
	served := make(chan struct{})
	go func() {
		defer close(served)
		conn, err := l.listener.Accept()
		if err != nil {
			return
		}
		go l.hangUpWhenCancelled(conn)
		l.serve(conn)
		_ = conn.Close()       // may be closed already
		_ = l.listener.Close() // ends the wait for a request to cancel
	}()
	t.Cleanup(func() { <-served })
	return mustOpen(t, session.Config{
		Host: "127.0.0.1", Port: l.listener.Addr().(*net.TCPAddr).Port, Database: "d", User: "u", SSLMode: "disable",
		Silence: 200 * time.Millisecond,
	})
}

// hangUpWhenCancelled takes whatever comes second for a request to cancel.
func (l *liar) hangUpWhenCancelled(conn net.Conn) {
	request, err := l.listener.Accept()
	if err == nil {
		_ = conn.Close()
		_ = request.Close()
	}
}

func (l *liar) serve(conn net.Conn) {
	b := pgproto3.NewBackend(conn, conn)
	if _, err := b.ReceiveStartupMessage(); err != nil {
		return
	}
	b.Send(&pgproto3.AuthenticationOk{})
	for name, value := range l.status {
		b.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
	}
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	for b.Flush() == nil {
		message, err := b.Receive()
		if err != nil {
			return
		}
		switch message := message.(type) {
		case *pgproto3.Query:
			b.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{}, {}}})
			b.Send(&pgproto3.DataRow{Values: [][]byte{[]byte("1"), []byte("2024-01-01 00:00:00")}})
			b.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT")})
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		case *pgproto3.Describe:
			l.describe(b, message.ObjectType)
		case *pgproto3.Bind:
			l.formats <- message.ResultFormatCodes
		case *pgproto3.Execute:
			if b.Flush() != nil {
				return
			}
			if _, err := conn.Write(l.rows); err != nil {
				return
			}
		case *pgproto3.Sync:
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		case *pgproto3.Terminate:
			return
		}
	}
}

func (l *liar) describe(b *pgproto3.Backend, object byte) {
	fields := l.fields
	if object == 'P' && l.answers != nil {
		fields = l.answers
	}
	if object == 'S' {
		b.Send(&pgproto3.ParameterDescription{})
	}
	b.Send(&pgproto3.RowDescription{Fields: fields})
}

// messages are what a server sends, as bytes.
func messages(t *testing.T, list ...pgproto3.BackendMessage) (b []byte) {
	t.Helper()
	for _, message := range list {
		var err error
		if b, err = message.Encode(b); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

var (
	intField   = []pgproto3.FieldDescription{{Name: []byte("v"), DataTypeOID: 23, Format: 1}}
	otherField = []pgproto3.FieldDescription{{Name: []byte("w"), DataTypeOID: 23, Format: 1}}
	textField  = []pgproto3.FieldDescription{{Name: []byte("v"), DataTypeOID: 23}}
	row        = &pgproto3.DataRow{Values: [][]byte{{0, 0, 0, 7}}}
	done       = &pgproto3.CommandComplete{CommandTag: []byte("SELECT")}
)

func TestReader_DoesNotBelieveALiar(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		rows    []byte
		answers []pgproto3.FieldDescription
		problem string
	}{
		{"a value too many", messages(t, row, &pgproto3.DataRow{Values: [][]byte{nil, nil}}, done), nil, "number of values"},
		{"no values", messages(t, row, &pgproto3.DataRow{}, done), nil, "number of values"},
		{"a value too short", messages(t, row, &pgproto3.DataRow{Values: [][]byte{{0, 7}}}, done), nil, "another length"},
		{"a value too long", messages(t, &pgproto3.DataRow{Values: [][]byte{{0, 0, 0, 0, 7}}}, done), nil, "another length"},
		{"a negative length", []byte("D\x00\x00\x00\x0a\x00\x01\xff\xff\xff\xfe"), nil, "add up"},
		{"a length past the row", []byte("D\x00\x00\x00\x0e\x00\x01\x00\x00\x00\x05\x00\x00\x00\x07"), nil, "add up"},
		{"bytes behind the values", []byte("D\x00\x00\x00\x0f\x00\x01\x00\x00\x00\x04\x00\x00\x00\x07x"), nil, "add up"},
		{"a length that is cut", []byte("D\x00\x00\x00\x08\x00\x01\x00\x00"), nil, "add up"},
		{"a row without a count", []byte("D\x00\x00\x00\x05\x00"), nil, "DataRow"},
		{"a message shorter than its length", []byte("D\x00\x00\x00\x03"), nil, "invalid message length"},
		{"a message of a gigabyte", []byte("D\x7f\xff\xff\xff\x00\x01"), nil, "body length"},
		{"a notice of a gigabyte", []byte("N\x3f\xff\xff\xfe"), nil, "body length"},
		{"an error of a gigabyte", append(messages(t, row), "E\x3f\xff\xff\xfe"...), nil, "body length"},
		{"a description of a gigabyte", []byte("T\x3f\xff\xff\xfe"), nil, "body length"},
		{"a message of negative length", []byte("D\xff\xff\xff\xff\x00\x01"), nil, "invalid message length"},
		{"a message that nobody knows", []byte("!\x00\x00\x00\x04"), nil, "unknown message type"},
		{"another format", messages(t, row, done), textField, "comes in format 0"},
		{"another column", messages(t, row, done), otherField, "have changed"},
		{"a result that does not end", messages(t, row, &pgproto3.ReadyForQuery{TxStatus: 'I'}), nil, "nothing more"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s := startLiar(t, &liar{fields: intField, answers: test.answers, rows: test.rows})
		r, err := s.Read(t.Context(), "SELECT", []redshift.Column{number}, session.StripNUL)
		if err == nil {
			_, err = io.Copy(io.Discard, r)
			r.Close()
		}
		if err == nil || !strings.Contains(err.Error(), test.problem) {
			t.Errorf("%s: got %v", test.name, err)
		}
		if nonsense, ok := errors.AsType[*session.ProtocolError](err); ok && redshift.Classify(nonsense) != redshift.Reconnect {
			t.Errorf("%s: class %v", test.name, redshift.Classify(err))
		}
		_ = s.Close(t.Context()) // what it says depends on the lie
		const most = 256 << 20   // of all tests that run at the same time
		if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > most {
			t.Errorf("%s: %d bytes were allocated for it", test.name, after.TotalAlloc-before.TotalAlloc)
		}
	}
}

// What is no row may come between rows. pgconn takes it, and the row behind it.
func TestReader_ReadsAroundNotices(t *testing.T) {
	t.Parallel()
	notice := &pgproto3.NoticeResponse{Severity: "NOTICE", Message: "soon"}
	status := &pgproto3.ParameterStatus{Name: "TimeZone", Value: "UTC"}
	null := &pgproto3.DataRow{Values: [][]byte{nil}}
	s := startLiar(t, &liar{
		fields: intField, rows: messages(t, notice, row, row, notice, status, row, notice, null, row, notice, done),
	})
	var b bytes.Buffer
	r := mustRead(t, s, "SELECT", number)
	if n, err := io.Copy(&b, r); err != nil || n != r.Bytes() || r.Rows() != 5 {
		t.Fatalf("got %d bytes and %d rows, %v", n, r.Rows(), err)
	}
	seven := "\x00\x01\x00\x00\x00\x04\x00\x00\x00\x07"
	want := "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00" + strings.Repeat(seven, 3) +
		"\x00\x01\xff\xff\xff\xff" + seven + "\xff\xff"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

// A server that keeps times as floating-point numbers says so, and is asked for text.
func TestRead_AsksForTimesAsTheServerHasThem(t *testing.T) {
	t.Parallel()
	columns := []redshift.Column{
		column("n", "bigint"),
		column("d", "date"),
		column("t", "timestamp with time zone"),
		column("a", "numeric(5,2)"),
		column("v", "character varying(5)"),
	}
	for setting, want := range map[string][]int16{"on": {1, 1, 1, 0, 0}, "off": {1, 0, 0, 0, 0}, "": {1, 0, 0, 0, 0}} {
		l := &liar{status: map[string]string{"integer_datetimes": setting}, rows: messages(t, done)}
		for i, c := range columns {
			l.fields = append(l.fields, pgproto3.FieldDescription{
				Name: []byte(c.Name), DataTypeOID: []uint32{20, 1082, 1184, 1700, 1043}[i], Format: want[i],
			})
		}
		r := mustRead(t, startLiar(t, l), "SELECT", columns...)
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Errorf("integer_datetimes %q: %v", setting, err)
		}
		got := <-l.formats
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("integer_datetimes %q: asked for %v, want %v", setting, got, want)
				break
			}
		}
	}
}
