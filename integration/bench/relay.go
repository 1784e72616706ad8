package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"sync"
	"time"
)

// relay stands before the source and lets a plain Postgres pass for Redshift where it cannot be taught to: SET
// query_group, a setting of Redshift's without a prefix, becomes one with a prefix. What the source answers is not
// looked at.
type relay struct {
	target   string
	listener net.Listener
	sessions sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// startRelay listens for clients of the server at target. The caller must close it.
func startRelay(target string) (*relay, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start relay: %w", err)
	}
	r := &relay{target: target, listener: listener, conns: map[net.Conn]struct{}{}}
	r.sessions.Go(r.accept)
	return r, nil
}

func (r *relay) port() int { return r.listener.Addr().(*net.TCPAddr).Port }

// close ends all sessions.
func (r *relay) close() error {
	err := r.listener.Close()
	r.mu.Lock()
	for conn := range r.conns {
		_ = conn.Close() // it may have ended by itself
	}
	r.conns = nil
	r.mu.Unlock()
	r.sessions.Wait()
	return err
}

func (r *relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.sessions.Go(func() { r.serve(client) })
	}
}

func (r *relay) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", r.target)
	if err != nil {
		return // the client sees that its connection ends
	}
	defer server.Close()
	if !r.keep(client, server) {
		return
	}
	defer r.forget(client, server)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_ = answer(client, server)
		_ = client.Close()
	}()
	_ = forward(server, client)
	_ = server.Close()
	<-answered
}

// Postgres sends eight kilobytes at a time. To wake up for each of them would cost more than to pass them on, so while
// much is on its way, some of it is let come together first.
const (
	manyBytes = 8 << 10
	gather    = 500 * time.Microsecond
)

// answer passes on what the server sends.
func answer(client io.Writer, server io.Reader) error {
	buffer := make([]byte, 1<<20)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return err
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return err
		}
		if n >= manyBytes {
			time.Sleep(gather)
		}
	}
}

func (r *relay) keep(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, conn := range conns {
		if r.conns != nil {
			r.conns[conn] = struct{}{}
		}
	}
	return r.conns != nil
}

func (r *relay) forget(conns ...net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, conn := range conns {
		delete(r.conns, conn)
	}
}

// https://www.postgresql.org/docs/current/protocol-message-formats.html
const (
	simpleQuery = 'Q'
	parse       = 'P'
	maxMessage  = 1 << 24 // what a client sends is statements
)

var errTooLong = errors.New("message is too long")

// forward passes on what a client sends: first a message without a type, then messages with one.
func forward(server io.Writer, client io.Reader) error {
	for first := true; ; first = false {
		var kind []byte
		if !first {
			kind = make([]byte, 1)
			if _, err := io.ReadFull(client, kind); err != nil {
				return err
			}
		}
		length := make([]byte, 4)
		if _, err := io.ReadFull(client, length); err != nil {
			return err
		}
		size := int(binary.BigEndian.Uint32(length)) - len(length)
		if size < 0 || size > maxMessage {
			return errTooLong
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(client, body); err != nil {
			return err
		}
		if !first && (kind[0] == simpleQuery || kind[0] == parse) {
			body = translate(body)
		}
		binary.BigEndian.PutUint32(length, uint32(len(body)+len(length))) //nolint:gosec // bounded by maxMessage
		if _, err := server.Write(append(append(kind, length...), body...)); err != nil {
			return err
		}
	}
}

var ownSetting = regexp.MustCompile(`(?i)\bSET\s+query_group\b`)

// translate makes a statement one that Postgres takes.
func translate(statement []byte) []byte {
	return ownSetting.ReplaceAll(statement, []byte("SET redshift.query_group"))
}
