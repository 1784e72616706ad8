package session

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/redshift"
)

// outSize is how many bytes are encoded before some are handed out, about what CopyFrom takes at once.
const outSize = 64 << 10

// copyHead begins a binary COPY: signature, no flags, no extension. copyEnd ends it.
const (
	copyHead = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"
	copyEnd  = "\xff\xff"
)

// Reader yields the rows of a query as a binary COPY, header and trailer included, for pgconn's CopyFrom. It ends in
// io.EOF only when the server has said that there are no more rows. While one goroutine reads, others may call the
// rest.
type Reader struct {
	session *Session
	ctx     context.Context //nolint:containedctx // of the query, which Read(ctx, …) began and this reader ends
	cancel  context.CancelCauseFunc
	release func()
	result  *pgconn.ResultReader
	columns []codec
	hashed  bool // a hash follows the columns

	rows, bytes atomic.Int64
	hash        atomic.Uint64
	failure     atomic.Pointer[error]

	mu      sync.Mutex // held while the connection is used
	out     []byte
	at      int   // how much of out was handed out
	end     error // what follows out
	scratch []byte
	begun   bool // the header was passed over; only of a reader that is joined with others
}

// Read sends a query whose result has the given columns, by position and name, and returns its rows' reader, which has
// the session to itself until [Reader.Close]. It may wait for the first rows, as servers send nothing before; the end of
// ctx ends the query on the server, also after Read has returned.
// The error is a [*ShapeError] when the columns differ, else what the server said.
func (s *Session) Read(ctx context.Context, sql string, columns []redshift.Column, nul NulPolicy) (*Reader, error) {
	return s.read(ctx, sql, columns, nul, false)
}

// ReadHashed is [Session.Read] for a query that has one more column behind the given ones, [redshift.HashColumn]: a hash of
// the row, which is not handed on. [Reader.Hash] adds them up.
func (s *Session) ReadHashed(ctx context.Context, sql string, columns []redshift.Column, nul NulPolicy) (*Reader, error) {
	return s.read(ctx, sql, append(slices.Clone(columns), redshift.HashColumn()), nul, true)
}

func (s *Session) read(ctx context.Context, sql string, columns []redshift.Column, nul NulPolicy, hashed bool) (*Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reader != nil {
		return nil, errBusy
	}
	codecs, err := s.plan(columns, nul)
	if err != nil {
		return nil, err
	}
	ctx, release := s.during(ctx)
	ctx, cancel := context.WithCancelCause(ctx)
	r := &Reader{session: s, ctx: ctx, cancel: cancel, release: release, columns: codecs, hashed: hashed}
	if err := r.begin(sql); err != nil {
		release()
		return nil, wrap(err, "read from Redshift")
	}
	if hashed { // it was asked for like the others, and goes no further
		r.columns = codecs[:len(codecs)-1]
	}
	r.out = append(make([]byte, 0, outSize+outSize/4), copyHead...)
	s.reader = r
	return r, nil
}

func (s *Session) plan(columns []redshift.Column, nul NulPolicy) ([]codec, error) {
	integerDatetimes := s.conn.ParameterStatus("integer_datetimes") == "on"
	codecs := make([]codec, len(columns))
	for i, c := range columns {
		var err error
		if codecs[i], err = plan(c, nul, integerDatetimes); err != nil {
			return nil, err
		}
	}
	return codecs, nil
}

// begin sends the query. It is prepared first, as the formats of the columns can only be asked for when their number is
// known to be right.
func (r *Reader) begin(sql string) error {
	conn := r.session.conn
	described, err := conn.Prepare(r.ctx, "", sql, nil)
	if err != nil {
		return r.session.reason(r.ctx, err)
	}
	if err := checkShape(r.columns, described.Fields); err != nil {
		return err
	}
	formats := make([]int16, len(r.columns))
	for i := range r.columns {
		formats[i] = r.columns[i].format()
	}
	r.result = conn.ExecPrepared(r.ctx, "", nil, nil, formats)
	fields := r.result.FieldDescriptions()
	if fields == nil { // it failed before it had any
		_, err := r.result.Close()
		return r.session.reason(r.ctx, err)
	}
	if err = checkShape(r.columns, fields); err == nil {
		err = checkFormats(formats, fields)
	}
	if err != nil {
		r.cancel(err)
		_, _ = r.result.Close() // has nothing to add
	}
	return err
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.at == len(r.out) {
		if r.end != nil {
			return 0, r.end
		}
		r.fill()
	}
	n := copy(p, r.out[r.at:])
	r.at += n
	r.bytes.Add(int64(n))
	return n, nil
}

// fill encodes rows until there are enough.
func (r *Reader) fill() {
	r.out, r.at = r.out[:0], 0
	wire, count := r.session.parts.wire, int64(0)
	for len(r.out) < outSize && r.end == nil {
		body := wire.row()
		if body == nil {
			if body = r.other(); body == nil {
				break
			}
		}
		if r.rows.Load()+count == 0 {
			r.session.parts.link.expect(r.session.silence)
		}
		body, err := r.takeHash(body)
		if err == nil {
			r.out, err = appendTuple(r.out, body, r.columns)
		}
		if err != nil {
			if value, ok := errors.AsType[*ValueError](err); ok {
				value.Row = r.rows.Load() + count + 1
			}
			r.stop(err)
			break
		}
		count++
	}
	r.rows.Add(count)
}

// takeHash cuts the hash off a row, if it has one.
func (r *Reader) takeHash(body []byte) ([]byte, error) {
	if !r.hashed {
		return body, nil
	}
	const size = 8
	rest := len(body) - 4 - size
	if rest < 2 || binary.BigEndian.Uint32(body[rest:]) != size {
		return nil, &ProtocolError{"a row has no hash"}
	}
	r.hash.Add(binary.BigEndian.Uint64(body[rest+4:]))
	binary.BigEndian.PutUint16(body, binary.BigEndian.Uint16(body)-1)
	return body[:rest], nil
}

// other lets pgconn have what is no row. It returns a row when one came behind that, and nil after the result's end.
func (r *Reader) other() []byte {
	if r.result.NextRow() {
		return r.repack(r.result.Values())
	}
	_, err := r.result.Close()
	silence := r.session.parts.link.expect(0)
	if err == nil {
		r.out = append(r.out, copyEnd...)
		r.stop(io.EOF)
		return nil
	}
	r.stop(silenceOr(r.session.reason(r.ctx, err), silence))
	return nil
}

// repack puts a row together again that pgconn has taken apart.
func (r *Reader) repack(values [][]byte) []byte {
	b := binary.BigEndian.AppendUint16(r.scratch[:0], uint16(len(values)))
	for _, value := range values {
		if value == nil {
			b = appendInt32(b, -1)
			continue
		}
		b = append(appendInt32(b, int32(len(value))), value...)
	}
	r.scratch = b
	return b
}

// stop remembers how the reader came to its end.
func (r *Reader) stop(err error) {
	if r.end != nil {
		return
	}
	r.end = err
	if err != io.EOF {
		r.failure.Store(&err)
	}
}

// Rows counts the rows that were read so far.
func (r *Reader) Rows() int64 { return r.rows.Load() }

// Bytes counts the bytes that were handed out so far.
func (r *Reader) Bytes() int64 { return r.bytes.Load() }

// Hash is the sum of the hashes that were read so far, modulo 2^64; only of a reader that [Session.ReadHashed] began.
func (r *Reader) Hash() uint64 { return r.hash.Load() }

// Err is why the reader failed, nil while it has not and after the regular end. CopyFrom itself reports only that the
// COPY was broken off.
func (r *Reader) Err() error {
	if failure := r.failure.Load(); failure != nil {
		return wrap(*failure, "")
	}
	return nil
}

var errReaderClosed = errors.New("reader is closed")

// Close ends the query, on the server too, and gives the session back. A Read under way returns. It takes at most 4 s,
// or what [infra.Grace] leaves, after which the session is closed as well. It may be called again.
func (r *Reader) Close() {
	r.cancel(errReaderClosed)
	r.mu.Lock()
	_, _ = r.result.Close() // what it says has no reader any more
	r.session.parts.link.expect(0)
	r.stop(errReaderClosed)
	r.release()
	r.mu.Unlock()
	r.session.mu.Lock()
	defer r.session.mu.Unlock()
	if r.session.reader == r {
		r.session.reader = nil
	}
}
