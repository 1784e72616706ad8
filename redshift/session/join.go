package session

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
)

// Joined yields the rows of several readers as one binary COPY, in whatever order they come. The readers run at the same
// time, each on a session of its own.
type Joined struct {
	starts []Start
	ctx    context.Context //nolint:containedctx // of the starts, ends when nobody wants more rows
	cancel context.CancelFunc
	chunks chan *[]byte // whole rows
	free   sync.Pool
	stop   chan struct{}
	start  sync.Once
	end    sync.Once

	running sync.WaitGroup
	mu      sync.Mutex
	readers []*Reader // those that have started
	failure error     // the first

	chunk *[]byte // being handed out
	rest  []byte
	last  bool // rest is the trailer
}

// Start begins to read; see [Session.Read].
type Start func(ctx context.Context) (*Reader, error)

// Join joins readers that have the same columns. They are the Joined's from then on: whoever has it must close it.
func Join(readers []*Reader) *Joined {
	starts := make([]Start, len(readers))
	for i, r := range readers {
		starts[i] = func(context.Context) (*Reader, error) { return r, nil }
	}
	j := JoinStarting(context.Background(), starts)
	j.readers = slices.Clone(readers)
	return j
}

// JoinStarting is [Join] for readers that are yet to start. Each starts beside the others: one that waits for a place in
// a queue of the server, which another of them takes up until it has been read, keeps that one not waiting.
func JoinStarting(ctx context.Context, starts []Start) *Joined {
	j := &Joined{starts: starts, chunks: make(chan *[]byte, len(starts)), stop: make(chan struct{}), rest: []byte(copyHead)}
	j.ctx, j.cancel = context.WithCancel(ctx)
	return j
}

// Read implements io.Reader. Once a reader has failed, it says so without waiting for the others.
func (j *Joined) Read(p []byte) (int, error) {
	j.start.Do(j.begin)
	for len(j.rest) == 0 {
		if j.chunk != nil {
			j.free.Put(j.chunk)
			j.chunk = nil
		}
		if j.last {
			return 0, io.EOF
		}
		select {
		case chunk, more := <-j.chunks:
			if more {
				j.chunk, j.rest = chunk, *chunk
			} else if err := j.Err(); err != nil {
				return 0, err
			} else {
				j.rest, j.last = []byte(copyEnd), true
			}
		case <-j.stop: // without waiting for readers whose queries may compute for long
			return 0, cmp.Or(j.Err(), errReaderClosed)
		}
	}
	n := copy(p, j.rest)
	j.rest = j.rest[n:]
	return n, nil
}

// begin lets each reader fetch its rows.
func (j *Joined) begin() {
	for _, start := range j.starts {
		j.running.Go(func() {
			if err := j.fetch(start); err != nil {
				j.fail(err)
			}
		})
	}
	go func() {
		j.running.Wait()
		close(j.chunks)
	}()
}

// fetch starts a reader and passes its rows on.
func (j *Joined) fetch(start Start) error {
	r, err := start(j.ctx)
	if err != nil {
		return err
	}
	j.add(r)
	for {
		rows, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		chunk, _ := j.free.Get().(*[]byte)
		if chunk == nil {
			chunk = new([]byte)
		}
		*chunk = append((*chunk)[:0], rows...)
		select {
		case j.chunks <- chunk:
		case <-j.stop:
			return errReaderClosed
		}
	}
}

func (j *Joined) add(r *Reader) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Contains(j.readers, r) {
		j.readers = append(j.readers, r)
	}
}

func (j *Joined) started() []*Reader {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.readers)
}

// fail ends all when one has failed: nobody wants what the others bring. What they say to that is no reason.
func (j *Joined) fail(err error) {
	j.mu.Lock()
	if j.failure == nil {
		j.failure = err
	}
	j.mu.Unlock()
	j.halt()
}

func (j *Joined) halt() {
	j.end.Do(func() {
		close(j.stop)
		j.cancel()
	})
}

// Rows counts the rows that were read so far.
func (j *Joined) Rows() (n int64) {
	for _, r := range j.started() {
		n += r.Rows()
	}
	return n
}

// Bytes counts the bytes that were read so far.
func (j *Joined) Bytes() (n int64) {
	for _, r := range j.started() {
		n += r.Bytes()
	}
	return n
}

// Hash is the sum of the readers' hashes so far, modulo 2^64.
func (j *Joined) Hash() (sum uint64) {
	for _, r := range j.started() {
		sum += r.Hash()
	}
	return sum
}

// Err is why the first reader failed that did, nil while none has.
func (j *Joined) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failure
}

// Close ends all queries, on the server too, and gives the sessions back.
func (j *Joined) Close() {
	j.halt()
	j.closeStarted()
	j.running.Wait()
	j.closeStarted() // those that were just about to start
}

func (j *Joined) closeStarted() {
	var closing sync.WaitGroup
	for _, r := range j.started() {
		closing.Go(r.Close)
	}
	closing.Wait()
}

// next returns the next rows, whole ones, without header or trailer, and io.EOF after the last. They are there until
// the next call.
func (r *Reader) next() ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		rows := r.out[r.at:]
		r.at = len(r.out)
		r.bytes.Add(int64(len(rows)))
		if !r.begun {
			r.begun = true
			rows = rows[len(copyHead):]
		}
		if errors.Is(r.end, io.EOF) && len(rows) > 0 {
			rows = rows[:len(rows)-len(copyEnd)]
		}
		if len(rows) > 0 {
			return rows, nil
		}
		if r.end != nil {
			return nil, r.end
		}
		r.fill()
	}
}
