package integration_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// wrongRowsError is what no outage excuses.
type wrongRowsError struct{ what string }

func (e *wrongRowsError) Error() string { return "wrong rows: " + e.what }

func wrongRows(format string, args ...any) error {
	return &wrongRowsError{fmt.Sprintf(format, args...)}
}

// reader is an application: it reads all the time, over a connection of its own, as a role that may only read.
type reader struct {
	name string
	read func(ctx context.Context, conn *pgx.Conn) error

	mu      sync.Mutex
	reads   int
	longest time.Duration // the slowest read
	errs    []error
}

// pace keeps a reader from taking the processors from what is tested.
const pace = 4 * time.Millisecond

// keepReading starts a reader. The returned function, which must be called, ends it and fails the test if any read
// failed, or none was made.
func (w *world) keepReading(t testing.TB, name string, read func(ctx context.Context, conn *pgx.Conn) error) (*reader, func()) {
	t.Helper()
	r := &reader{name: name, read: read}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			r.session(ctx, w)
		}
	}()
	return r, func() {
		t.Helper()
		cancel()
		<-done
		if reads, _ := r.served(); reads == 0 {
			t.Errorf("reader %s has read nothing", name)
		}
		for _, err := range r.errs {
			t.Errorf("reader %s: %v", name, err)
		}
	}
}

// session reads over one connection until something fails. A connection may fail only when the cache was stopped while
// it was used.
func (r *reader) session(ctx context.Context, w *world) {
	moment := w.outages.Load()
	conn, err := connect(ctx, w.cache.ReaderURL(w.cacheDB))
	if err == nil {
		defer conn.Close(context.WithoutCancel(ctx))
		err = r.follow(ctx, conn)
	}
	if ctx.Err() != nil {
		return
	}
	down := moment%2 == 1 || w.outages.Load() != moment
	if !down || errors.As(err, new(*wrongRowsError)) {
		r.mu.Lock()
		r.errs = append(r.errs, err)
		r.mu.Unlock()
	}
	select {
	case <-ctx.Done():
	case <-time.After(pace):
	}
}

// connect opens a session that prepares nothing under a name, as applications behind a transaction pooler do.
func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	return pgx.ConnectConfig(ctx, config)
}

func (r *reader) follow(ctx context.Context, conn *pgx.Conn) error {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		start := time.Now()
		if err := r.read(ctx, conn); err != nil {
			return err
		}
		took := time.Since(start)
		r.mu.Lock()
		r.reads++
		r.longest = max(r.longest, took)
		r.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// served says how many reads there were, and how long the slowest took.
func (r *reader) served() (reads int, longest time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reads, r.longest
}
