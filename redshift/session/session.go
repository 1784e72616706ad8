package session

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

const (
	// cancelGrace is how long a statement may take to end after its context did. Then the connection is given up.
	cancelGrace = 4 * time.Second
	// closeLimit is how long [Session.Close] may take. It is longer than cancelGrace, so that a server which does not
	// react to the first request to cancel gets another one.
	closeLimit = 5 * time.Second
)

var (
	errClosed = errors.New("session is closed")
	errBusy   = errors.New("session is busy: close the reader first")
)

// Session is one open connection to Redshift. It does one thing at a time. [Session.Close] may be called from another
// goroutine than the one that uses it; all else may not.
type Session struct {
	conn    *pgconn.PgConn
	parts   *wiring
	silence time.Duration
	pid     int
	clock   string

	life   context.Context //nolint:containedctx // ends when Close begins, and ends what is under way
	end    context.CancelCauseFunc
	hangUp context.CancelFunc // closes the sockets

	mu     sync.Mutex // held while conn is used, except by the reader
	reader *Reader    // that has conn to itself
}

// Open connects and logs in, sends c.Prepare, and asks for the backend's number and the clock. The caller must
// [Session.Close] the session. An error of Open has the server's own words, when it said any, as a *pgconn.PgError;
// [Unreachable] tells whether the server could judge the login at all. No error has the password.
func Open(ctx context.Context, c Config) (*Session, error) {
	c = c.withDefaults()
	s, err := open(ctx, c)
	if err != nil {
		return nil, wrap(err, fmt.Sprintf("open session at %s port %d, database %s, as user %s",
			c.Host, c.Port, c.Database, c.User))
	}
	return s, nil
}

func open(ctx context.Context, c Config) (*Session, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	config, err := c.connection()
	if err != nil {
		return nil, notConnected(ctx, c, err)
	}
	gone, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	s := &Session{silence: c.Silence, hangUp: hangUp, parts: wired(config, gone)}
	s.life, s.end = context.WithCancelCause(context.WithoutCancel(ctx))
	if s.conn, err = pgconn.ConnectConfig(ctx, config); err != nil {
		s.end(errClosed)
		hangUp()
		return nil, notConnected(ctx, c, err)
	}
	if err := s.prepare(ctx, c); err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

// prepare sends what makes a session out of a connection, as one message.
func (s *Session) prepare(ctx context.Context, c Config) error {
	ctx, stop := context.WithTimeoutCause(ctx, c.ConnectTimeout, &timeoutError{"the server did not answer", c.ConnectTimeout})
	defer stop()
	statements := strings.TrimRight(c.Prepare, "; \t\r\n")
	if statements != "" {
		statements += "; "
	}
	rows, err := s.query(ctx, statements+"SELECT pg_backend_pid(), GETDATE()", 2)
	if err != nil {
		return err
	}
	if len(rows) != 1 || rows[0][0] == nil || rows[0][1] == nil {
		return &ProtocolError{"its clock is missing"}
	}
	s.clock = *rows[0][1]
	s.pid, err = strconv.Atoi(*rows[0][0])
	return err
}

// PID returns the process id of the session on Redshift.
func (s *Session) PID() int { return s.pid }

// Clock returns Redshift's clock when the session was opened, in UTC, as a timestamp without time zone.
func (s *Session) Clock() string { return s.clock }

// canceller makes the end of a context cancel the statement on the server, for as long as the context leaves time for it.
type canceller struct {
	pgconn.CancelRequestContextWatcherHandler
}

// HandleCancel implements [ctxwatch.Handler].
func (c *canceller) HandleCancel(ctx context.Context) {
	c.DeadlineDelay = infra.Grace(ctx, cancelGrace)
	c.CancelRequestContextWatcherHandler.HandleCancel(ctx)
}

// Exec runs a command, or several as one message.
func (s *Session) Exec(ctx context.Context, sql string) error {
	_, err := s.simple(ctx, sql)
	return wrap(err, "run command on Redshift")
}

// Rows reads a few small rows of n values as text, nil for NULL. Of several statements, the last that returns rows
// counts.
func (s *Session) Rows(ctx context.Context, sql string, n int) ([][]*string, error) {
	rows, err := s.query(ctx, sql, n)
	return rows, wrap(err, "read from Redshift")
}

func (s *Session) query(ctx context.Context, sql string, n int) ([][]*string, error) {
	results, err := s.simple(ctx, sql)
	if err != nil {
		return nil, err
	}
	var rows [][]*string
	for _, result := range results {
		if len(result.FieldDescriptions) == 0 {
			continue // a command, or a query without rows
		}
		if rows, err = texts(result.Rows, n); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func texts(rows [][][]byte, n int) ([][]*string, error) {
	converted := make([][]*string, len(rows))
	for i, row := range rows {
		if len(row) != n {
			return nil, &redshift.WidthError{Got: len(row), Want: n}
		}
		converted[i] = make([]*string, n)
		for j, value := range row {
			if value != nil {
				text := string(value)
				converted[i][j] = &text
			}
		}
	}
	return converted, nil
}

// simple sends a text by the simple protocol: values come back as text, and SET and BEGIN work as anywhere.
func (s *Session) simple(ctx context.Context, sql string) ([]*pgconn.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reader != nil {
		return nil, errBusy
	}
	ctx, release := s.during(ctx)
	defer release()
	results, err := s.conn.Exec(ctx, sql).ReadAll()
	return results, s.reason(ctx, err)
}

// during is the context of one use of the connection: it ends with ctx, and when the session is closed.
func (s *Session) during(ctx context.Context) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.life, func() { cancel(context.Cause(s.life)) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// Close ends what is under way on the server, the reader included, and then the session. It takes at most 5 s, or what
// [infra.Grace] leaves, also when the server does not react or ctx has ended. It may be called again.
func (s *Session) Close(ctx context.Context) error {
	s.end(errClosed)
	limit := infra.Grace(ctx, closeLimit)
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer stop()
	release := context.AfterFunc(ctx, s.hangUp)
	s.mu.Lock()
	reader := s.reader
	s.mu.Unlock()
	if reader != nil {
		reader.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.conn.Conn().SetDeadline(time.Now().Add(limit)) // fails only on a closed connection
	_ = s.conn.Close(context.Background())               // the goodbye of a connection that is gone cannot be said
	<-s.conn.CleanupDone()
	if !release() {
		return fmt.Errorf("close session: the server did not let go of it within %s", limit)
	}
	s.hangUp()
	return nil
}

// wrap says what was being done, once.
func wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	return &Failure{doing, err}
}
