package session

import (
	"context"
	"net"
	"sync"
	"time"
)

// link is the connection as pgconn uses it. While rows flow, it takes a long pause for the connection's end.
type link struct {
	net.Conn

	mu      sync.Mutex
	limit   time.Time     // the deadline that pgconn wants; zero is none
	silence time.Duration // the longest pause; zero is any
}

// Read reads with the nearer of the two deadlines.
func (l *link) Read(p []byte) (int, error) {
	if err := l.arm(); err != nil {
		return 0, err
	}
	return l.Conn.Read(p)
}

func (l *link) arm() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.silence == 0 {
		return nil
	}
	deadline := time.Now().Add(l.silence)
	if !l.limit.IsZero() && l.limit.Before(deadline) {
		deadline = l.limit
	}
	return l.Conn.SetReadDeadline(deadline)
}

// SetDeadline is how pgconn ends a call whose context ended. It reaches a Read that waits.
func (l *link) SetDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = t
	return l.Conn.SetDeadline(t)
}

// expect sets the longest pause, and returns the one before.
func (l *link) expect(silence time.Duration) (before time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, l.silence = l.silence, silence
	if silence == 0 {
		_ = l.Conn.SetReadDeadline(l.limit) // fails only on a closed connection
	}
	return before
}

// dialer makes the session's connection, and the short ones by which it asks the server to cancel. All of them are
// closed when gone ends.
type dialer struct {
	net.Dialer
	gone context.Context //nolint:containedctx // the end of the session's sockets
}

// newDialer is as dblink's servers are set: a long query sends nothing, and firewalls forget silent connections.
func newDialer(gone context.Context) *dialer {
	return &dialer{gone: gone, Dialer: net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 60 * time.Second, Interval: 10 * time.Second, Count: 6,
	}}}
}

// DialContext connects as pgconn wants it.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.gone, cancel)()
	conn, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(d.gone, func() { _ = conn.Close() }) // may be closed already
	return conn, nil
}
