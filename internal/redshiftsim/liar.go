package redshiftsim

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Liar stands before a stand-in, and tells clients something else than it says. It takes no TLS.
type Liar struct {
	server   *Server
	listener net.Listener
	tasks    sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	on    string
	at    byte
	tell  func(w io.Writer, message []byte) error
	told  int
}

// LiarFor starts a liar before a stand-in of its own, on the warehouse's engine, and closes both when the test ends.
func LiarFor(t testing.TB, w *Warehouse) *Liar {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Liar{
		server:   StartFor(t, Config{EngineURL: w.EngineURL, Users: map[string]string{User: Password}, AllowPlain: true}),
		listener: listener, conns: map[net.Conn]bool{},
	}
	l.tasks.Go(l.accept)
	t.Cleanup(func() {
		_ = listener.Close() // ends accept
		l.mu.Lock()
		for conn := range l.conns {
			_ = conn.Close() // ends whoever reads from it, or writes to it
		}
		l.mu.Unlock()
		l.tasks.Wait()
	})
	return l
}

// Port is where it listens, on 127.0.0.1.
func (l *Liar) Port() int { return l.listener.Addr().(*net.TCPAddr).Port }

// Lie has tell write what clients get in the place of each message of the type that answers a statement with the text. It
// gets the whole message, with its type and length.
func (l *Liar) Lie(on string, at byte, tell func(w io.Writer, message []byte) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.on, l.at, l.tell, l.told = on, at, tell, 0
}

// Told is how often the lie was told.
func (l *Liar) Told() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told
}

// Truth ends the lie.
func (l *Liar) Truth() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tell = nil
}

func (l *Liar) lie(statement string, at byte) func(io.Writer, []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tell == nil || at != l.at || !strings.Contains(statement, l.on) {
		return nil
	}
	l.told++
	return l.tell
}

func (l *Liar) accept() {
	for {
		conn, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.tasks.Go(func() { l.serve(conn) })
	}
}

// keep has a connection closed at the end; it returns how to close it before.
func (l *Liar) keep(conn net.Conn) (closeIt func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[conn] = true
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.conns, conn)
		_ = conn.Close() // may be closed already
	}
}

func (l *Liar) serve(client net.Conn) {
	closeClient := l.keep(client)
	defer closeClient()
	server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", net.JoinHostPort(l.server.Host(), strconv.Itoa(l.server.Port())))
	if err != nil {
		return
	}
	closeServer := l.keep(server)
	defer closeServer()
	s := &liarSession{liar: l}
	var up sync.WaitGroup
	up.Go(func() {
		defer closeServer()
		s.relayClient(client, server)
	})
	s.relayServer(client, server)
	closeClient()
	up.Wait()
}

// liarSession is one connection through a liar.
type liarSession struct {
	liar *Liar

	mu        sync.Mutex
	statement string
}

// Codes that stand in the place of a protocol version.
const (
	sslRequest    = 80877103
	gssEncRequest = 80877104
)

func (s *liarSession) relayClient(client io.ReadWriter, server io.Writer) {
	for started := false; ; {
		head := 4
		if started {
			head = 5
		}
		message, err := readMessage(client, head)
		if err != nil {
			return
		}
		if !started && len(message) == 8 {
			if code := binary.BigEndian.Uint32(message[4:]); code == sslRequest || code == gssEncRequest {
				if _, err := io.WriteString(client, "N"); err != nil {
					return
				}
				continue
			}
		}
		if started && (message[0] == 'Q' || message[0] == 'P') {
			s.mu.Lock()
			s.statement = string(message[5:])
			s.mu.Unlock()
		}
		started = true
		if _, err := server.Write(message); err != nil {
			return
		}
	}
}

func (s *liarSession) relayServer(client io.Writer, server io.Reader) {
	for {
		message, err := readMessage(server, 5)
		if err != nil {
			return
		}
		s.mu.Lock()
		statement := s.statement
		s.mu.Unlock()
		if tell := s.liar.lie(statement, message[0]); tell != nil {
			err = tell(client, message)
		} else {
			_, err = client.Write(message)
		}
		if err != nil {
			return
		}
	}
}

// readMessage reads a message whose length ends its head.
func readMessage(r io.Reader, head int) ([]byte, error) {
	message := make([]byte, head)
	if _, err := io.ReadFull(r, message); err != nil {
		return nil, err
	}
	const most = 64 << 20
	rest := int64(binary.BigEndian.Uint32(message[head-4:])) - 4
	if rest < 0 || rest > most {
		return nil, io.ErrUnexpectedEOF
	}
	message = append(message, make([]byte, rest)...)
	_, err := io.ReadFull(r, message[head:])
	return message, err
}
