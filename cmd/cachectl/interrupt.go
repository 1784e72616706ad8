package main

import (
	"context"
	"io"
	"sync"
	"time"
)

// patienceWithEnds is how long an interrupted command may take to end before it says what it waits for.
const patienceWithEnds = 300 * time.Millisecond

// hearing says that an interrupt was heard, when the command does not end at once. The caller must call stop.
func (p *program) hearing(ctx context.Context) (stop func()) {
	over := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() {
		select {
		case <-ctx.Done():
		case <-over:
			return
		}
		select {
		case <-time.After(patienceWithEnds):
			p.tell("cachectl: interrupted; waiting for the servers to end what is running, for some seconds at most. Ctrl-C ends " +
				"cachectl at once; what still runs is undone then, and ends by itself")
		case <-over:
		}
	})
	return func() {
		close(over)
		telling.Wait()
	}
}

// sharedWriter lets several goroutines write.
type sharedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (s *sharedWriter) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}
