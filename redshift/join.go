package redshift

import (
	"cmp"
	"errors"
	"io"
	"sync"
)

// Joined yields the rows of several readers as one binary COPY, in whatever order they come. The readers run at the same
// time, each on a session of its own.
type Joined struct {
	readers []*Reader
	chunks  chan *[]byte // whole rows
	free    sync.Pool
	stop    chan struct{}
	start   sync.Once
	end     sync.Once
	running sync.WaitGroup

	chunk *[]byte // being handed out
	rest  []byte
	last  bool // rest is the trailer
}

// Join joins readers that have the same columns. They are the Joined's from then on: whoever has it must close it.
func Join(readers []*Reader) *Joined {
	return &Joined{readers: readers, chunks: make(chan *[]byte, len(readers)), stop: make(chan struct{}), rest: []byte(copyHead)}
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
	for _, r := range j.readers {
		j.running.Go(func() { j.fetch(r) })
	}
	go func() {
		j.running.Wait()
		close(j.chunks)
	}()
}

// fetch passes the rows of one reader on. When one fails, none goes on: nobody wants what they bring.
func (j *Joined) fetch(r *Reader) {
	for {
		rows, err := r.next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			j.halt()
			return
		}
		chunk, _ := j.free.Get().(*[]byte)
		if chunk == nil {
			chunk = new([]byte)
		}
		*chunk = append((*chunk)[:0], rows...)
		select {
		case j.chunks <- chunk:
		case <-j.stop:
			return
		}
	}
}

func (j *Joined) halt() { j.end.Do(func() { close(j.stop) }) }

// Rows counts the rows that were read so far.
func (j *Joined) Rows() (n int64) {
	for _, r := range j.readers {
		n += r.Rows()
	}
	return n
}

// Bytes counts the bytes that were read so far.
func (j *Joined) Bytes() (n int64) {
	for _, r := range j.readers {
		n += r.Bytes()
	}
	return n
}

// Err is why the first reader failed that did, nil while none has.
func (j *Joined) Err() error {
	for _, r := range j.readers {
		if err := r.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Close ends all queries, on the server too, and gives the sessions back.
func (j *Joined) Close() {
	j.halt()
	var closing sync.WaitGroup
	for _, r := range j.readers {
		closing.Go(r.Close)
	}
	closing.Wait()
	j.running.Wait()
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
