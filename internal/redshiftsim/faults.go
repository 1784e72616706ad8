package redshiftsim

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"
)

// faults is what tests told the stand-in to do wrong.
type faults struct {
	mu        sync.Mutex
	stalled   chan struct{} // closed when the stall ends; nil while there is none
	silent    int           // connections that the stall keeps from an answer
	delay     time.Duration
	rate      int
	dropAfter int
	dropArmed bool
	failures  []failure
	midway    *midway
	cancels   Cancels
}

type midway struct {
	rows int
	err  EngineError
}

type failure struct {
	substring string
	err       EngineError
}

// Stall makes the stand-in a silent peer: connections are accepted and kept, and nothing is answered. Stall(false)
// lets all of them go on where they were.
func (s *Server) Stall(on bool) {
	f := &s.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	if on && f.stalled == nil {
		f.stalled = make(chan struct{})
	}
	if !on && f.stalled != nil {
		close(f.stalled)
		f.stalled = nil
	}
}

// Silent returns how many connections wait for an answer until the stall ends.
func (s *Server) Silent() int {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return s.faults.silent
}

// Delay makes every statement wait that long before it starts; 0 ends it. A waiting statement can be cancelled, and the
// session of a client that disappears without cancelling ends when the wait does.
func (s *Server) Delay(d time.Duration) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.delay = d
}

// Throttle limits the rows that a session gets per second; 0 ends it. It also acts on results under way.
func (s *Server) Throttle(rowsPerSecond int) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.rate = rowsPerSecond
}

// DropAfter cuts the next session that gets more than that many rows of one result, after that many. It happens once.
func (s *Server) DropAfter(rows int) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.dropAfter, s.faults.dropArmed = rows, true
}

// FailNext makes the next statement that contains the text fail with err instead of being run. Calls add up: two calls
// with one text fail two statements.
func (s *Server) FailNext(substring string, err EngineError) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.failures = append(s.faults.failures, failure{substring, err})
}

// FailAfter makes the next result of more than that many rows end in err after that many. It happens once.
func (s *Server) FailAfter(rows int, err EngineError) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.midway = &midway{rows, err}
}

// Cancels is what becomes of requests to end a statement, by whichever way they come.
type Cancels int

const (
	// CancelsObeyed is how it should be.
	CancelsObeyed Cancels = iota
	// CancelsIgnored has them taken, and without effect.
	CancelsIgnored
	// CancelsRefused has PG_CANCEL_BACKEND return false.
	CancelsRefused
)

// TakeCancels makes the stand-in deaf to requests to cancel, or not.
func (s *Server) TakeCancels(how Cancels) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.cancels = how
}

func (f *faults) takes() Cancels {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cancels
}

// deafTo puts what a deaf server answers in the place of a call that would cancel.
func (f *faults) deafTo(sql string) string {
	answer, deaf := map[Cancels]string{CancelsIgnored: "0 <> (", CancelsRefused: "0 = ("}[f.takes()]
	if !deaf {
		return sql
	}
	return strings.ReplaceAll(sql, "pg_cancel_backend(", answer)
}

// DropAll cuts every connection without a goodbye. The peers see a reset.
func (s *Server) DropAll() { s.dropConns() }

// Pause refuses new connections and cuts the open ones, like a paused or rebooting cluster.
func (s *Server) Pause() {
	_ = s.hangUp() // the port is gone either way
	s.dropConns()
}

// Resume listens again, on the port that Pause left.
func (s *Server) Resume(ctx context.Context) error { return s.listen(ctx, s.Port()) }

// Move listens on another port of the same host, cuts the open connections, and lets the old port refuse.
func (s *Server) Move(ctx context.Context) error { return s.move(ctx, s.Host(), 0) }

// MoveTo listens at another address of this machine, 127.0.0.2 say, on the same port, as a cluster does whose leader is
// replaced. It cuts the open connections and lets the old address refuse.
func (s *Server) MoveTo(ctx context.Context, host string) error { return s.move(ctx, host, s.Port()) }

func (s *Server) move(ctx context.Context, host string, port int) error {
	s.mu.Lock()
	old, from := s.listener, s.host
	s.host = host
	s.mu.Unlock()
	if err := s.listen(ctx, port); err != nil {
		s.mu.Lock()
		s.host = from
		s.mu.Unlock()
		return err
	}
	if old != nil {
		_ = old.Close() // the port is gone either way
	}
	s.dropConns()
	return nil
}

// LimitSessions refuses logins while there are that many sessions. Those above the limit stay.
func (s *Server) LimitSessions(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = n
}

func (s *Server) dropConns() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn, cancel := range s.conns {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset instead of a FIN; without effect on a closed connection
		}
		_ = conn.Close()
		cancel()
	}
}

// pass waits while the stand-in is stalled.
func (f *faults) pass(ctx context.Context) error {
	f.mu.Lock()
	stalled := f.stalled
	if stalled == nil {
		f.mu.Unlock()
		return nil
	}
	f.silent++
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.silent--
	}()
	select {
	case <-stalled:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (f *faults) wait() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.delay
}

// pace is the time that one row takes.
func (f *faults) pace() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rate <= 0 {
		return 0
	}
	return time.Second / time.Duration(f.rate)
}

// cuts reports whether the session must be cut now that so many rows of a result were sent and another one is due.
func (f *faults) cuts(rows int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.dropArmed || rows < f.dropAfter {
		return false
	}
	f.dropArmed = false
	return true
}

// aborts takes the error that a result must end in now that so many rows of it were sent, if there is one.
func (f *faults) aborts(rows int) *EngineError {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.midway == nil || rows < f.midway.rows {
		return nil
	}
	err := f.midway.err
	f.midway = nil
	return &err
}

// failure takes the fault that a statement has to meet, if there is one.
func (f *faults) failure(sql string) *EngineError {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, planned := range f.failures {
		if strings.Contains(sql, planned.substring) {
			f.failures = append(f.failures[:i], f.failures[i+1:]...)
			return &planned.err
		}
	}
	return nil
}
