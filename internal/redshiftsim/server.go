package redshiftsim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Config says what a stand-in serves. The zero value of each optional field is the default.
type Config struct {
	// EngineURL is a superuser's URL of the Postgres database (14 or later) that holds the data; [Prepare] was run on it.
	EngineURL string
	// Users are the logins and their passwords. Each may read everything, like a reader whom a warehouse trusts. The
	// engine's role of the same name belongs to its whole cluster: the first stand-in that needs it makes it.
	Users map[string]string
	// Restricted are logins that may read only what was granted to the engine's role of the same name.
	Restricted map[string]string
	// Host is where to listen, 127.0.0.1 by default.
	Host string
	// Port is the port to listen on; 0 takes any free one.
	Port int
	// Database is a further name of the engine's database that clients may ask for, "dev" by default.
	Database string
	// SingleNode refuses FETCH of more than 1000 rows, as a cluster of one node does.
	SingleNode bool
	// AllowPlain lets clients in without TLS.
	AllowPlain bool
	// MaxSessions is the connection limit, 500 by default.
	MaxSessions int
}

// Server is a running stand-in. Its methods may be called from several goroutines.
type Server struct {
	cfg    Config
	engine *pgconn.Config // as superuser; sessions use a copy with their own role
	types  typeMap
	probes bool // the engine can notice by itself that a client is gone (14 and later)
	tls    *tls.Config
	caDir  string
	faults faults
	log    statementLog
	names  longNames

	stop    context.CancelCauseFunc
	running context.Context //nolint:containedctx // the life of the server, ended by Close
	tasks   sync.WaitGroup

	mu        sync.Mutex
	host      string
	port      int
	listener  net.Listener
	passwords map[string]string
	issued    map[string][]temporary
	sessions  map[*session]struct{}
	conns     map[net.Conn]context.CancelFunc
	serial    int
	limit     int // of sessions
	times     tableTimes
	bare      Bare
}

var errClosed = errors.New("stand-in is closed")

// Start serves an engine until Close. Roles that the logins need are made in the engine.
func Start(ctx context.Context, cfg Config) (_ *Server, err error) {
	s := &Server{
		cfg: cfg, host: cfg.Host,
		passwords: map[string]string{}, issued: map[string][]temporary{},
		sessions: map[*session]struct{}{}, conns: map[net.Conn]context.CancelFunc{},
		times: tableTimes{lag: defaultLag},
	}
	if s.host == "" {
		s.host = "127.0.0.1"
	}
	if s.cfg.Database == "" {
		s.cfg.Database = "dev"
	}
	if s.limit = cfg.MaxSessions; s.limit == 0 {
		s.limit = 500
	}
	if s.engine, err = pgconn.ParseConfig(cfg.EngineURL); err != nil {
		return nil, fmt.Errorf("read engine URL: %w", err)
	}
	if err = s.meetEngine(ctx); err != nil {
		return nil, err
	}
	if s.tls, s.caDir, err = makeCertificates(s.host); err != nil {
		return nil, err
	}
	s.running, s.stop = context.WithCancelCause(context.Background())
	if err = s.listen(ctx, cfg.Port); err != nil {
		s.stop(err)
		return nil, errors.Join(err, os.RemoveAll(s.caDir))
	}
	return s, nil
}

// meetEngine makes the roles of the logins and learns the OIDs of Redshift's types.
func (s *Server) meetEngine(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.cfg.EngineURL)
	if err != nil {
		return fmt.Errorf("connect to engine: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for user, password := range s.cfg.Users {
		s.passwords[user] = password
		if err := makeRole(ctx, conn, user, s.rolePassword(user), true); err != nil {
			return err
		}
	}
	for user, password := range s.cfg.Restricted {
		s.passwords[user] = password
		if err := makeRole(ctx, conn, user, s.rolePassword(user), false); err != nil {
			return err
		}
	}
	if err := conn.QueryRow(ctx, `
		SELECT count(*) > 0 FROM pg_catalog.pg_settings WHERE name = 'client_connection_check_interval'`).
		Scan(&s.probes); err != nil {
		return fmt.Errorf("read engine settings: %w", err)
	}
	s.types, err = loadTypes(ctx, conn)
	return err
}

// Close ends every session, waits for all that the stand-in started, and removes its certificate.
func (s *Server) Close() error {
	s.stop(errClosed)
	err := s.hangUp()
	s.dropConns()
	s.tasks.Wait()
	return errors.Join(err, os.RemoveAll(s.caDir))
}

// Host is the address the stand-in listens on now; [Server.MoveTo] changes it.
func (s *Server) Host() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.host
}

// Port is the port the stand-in listens on now; [Server.Move] changes it.
func (s *Server) Port() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.port
}

// CACert is the path of the PEM file with the authority that signed the stand-in's certificate, for sslrootcert.
// Any user may read it: a Postgres server under test runs as somebody else.
func (s *Server) CACert() string { return s.caDir + "/ca.pem" }

// URL returns the connection URL of a database for a login. It verifies the certificate in full.
func (s *Server) URL(database, user, password string) string {
	u := url.URL{
		Scheme: "postgres", Host: net.JoinHostPort(s.Host(), strconv.Itoa(s.Port())), Path: "/" + database,
		User: url.UserPassword(user, password),
		RawQuery: url.Values{
			"sslmode": {"verify-full"}, "sslrootcert": {s.CACert()},
		}.Encode(),
	}
	return u.String()
}

// Sessions counts the sessions that are logged in now.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// listen opens a port, or any for 0, and accepts in the background until the listener is closed.
func (s *Server) listen(ctx context.Context, port int) error {
	var lc net.ListenConfig
	s.mu.Lock()
	defer s.mu.Unlock()
	listener, err := lc.Listen(ctx, "tcp", net.JoinHostPort(s.host, strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.listener = listener
	s.port = listener.Addr().(*net.TCPAddr).Port
	s.tasks.Go(func() { s.accept(listener) })
	return nil
}

// hangUp closes the port. Connections that are open stay.
func (s *Server) hangUp() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	err := s.listener.Close()
	s.listener = nil
	return err
}

func (s *Server) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return // closed by hangUp
		}
		s.mu.Lock()
		open := s.listener == listener
		if open {
			ctx, cancel := context.WithCancel(s.running)
			s.conns[conn] = cancel
			s.tasks.Go(func() { s.serve(ctx, conn) })
		}
		s.mu.Unlock()
		if !open {
			_ = conn.Close() // accepted just before the port was closed
		}
	}
}

// serve looks after one connection until it ends.
func (s *Server) serve(ctx context.Context, raw net.Conn) {
	defer func() {
		s.mu.Lock()
		s.conns[raw]() // nothing of the connection is left; this frees its context
		delete(s.conns, raw)
		s.mu.Unlock()
		_ = raw.Close()
	}()
	l := &login{server: s, raw: raw}
	if ses := l.run(ctx); ses != nil {
		ses.run(ctx)
		s.leave(ses)
	}
}

// join counts a session in, unless the stand-in is full.
func (s *Server) join(ses *session) *EngineError {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sessions) >= s.limit {
		return &EngineError{
			Code: "53300", Message: fmt.Sprintf(`connection limit "%d" exceeded for non-bootstrap users`, s.limit),
		}
	}
	s.serial++
	ses.id = s.serial
	s.sessions[ses] = struct{}{}
	return nil
}

func (s *Server) leave(ses *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, ses)
}

// find returns the session that a cancel request names, or nil.
func (s *Server) find(pid, key uint32) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ses := range s.sessions {
		if ses.pid == pid && ses.key == key {
			return ses
		}
	}
	return nil
}
