package dblink

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// cleanupLimit bounds each step of what is done after a failure, also when the statement's context has ended.
const cleanupLimit = 5 * time.Second

// connectGrace is how long a connection that is being made may take to be made after all when nobody wants it any more.
const connectGrace = time.Second

// back goes back to a savepoint. The error that led there is the one that matters.
func back(ctx context.Context, guard pgx.Tx) {
	ctx, done := infra.Ending(ctx, cleanupLimit)
	defer done()
	_ = guard.Rollback(ctx)
}

// Session is one open connection to Redshift, held by the backend that runs the local transaction. See the package's
// comment for its name. It is not safe for concurrent use.
type Session struct {
	tx     pgx.Tx
	server string
	schema string
	limit  time.Duration // of a statement; zero is the usual one
	pid    int
	clock  string
}

// Open connects the transaction's backend to a server and prepares the connection: ISO dates, exact floats, UTC. A
// connection that an earlier transaction left open under the same name is closed first. The caller must [Session.Close] it. When Open fails, nothing is left open and the
// transaction can go on.
func Open(ctx context.Context, tx pgx.Tx, server string, set redshift.Settings) (*Session, error) {
	return OpenIn(ctx, tx, "", server, set)
}

// OpenIn is [Open] for a caller that knows from [Extensions] in which schema dblink lives; empty: it does not.
func OpenIn(ctx context.Context, tx pgx.Tx, schema, server string, set redshift.Settings) (*Session, error) {
	s, err := open(ctx, tx, schema, server, set)
	if err != nil {
		return nil, fmt.Errorf("open link %s: %w", server, err)
	}
	return s, nil
}

func open(ctx context.Context, tx pgx.Tx, schema, server string, set redshift.Settings) (*Session, error) {
	prepare, err := set.SQL()
	if err != nil {
		return nil, err
	}
	if schema == "" {
		if schema, err = Home(ctx, tx); err != nil {
			return nil, err
		}
	}
	s := &Session{tx: tx, server: server, schema: schema, limit: set.StatementTimeout}
	guard, err := tx.Begin(ctx) // so that a failure can still close what it left open
	if err != nil {
		return nil, err
	}
	if err = s.connect(ctx, prepare); err == nil {
		// The connection is open now: the end of ctx must not keep the caller from getting it, and closing it.
		cleanup, done := infra.Ending(ctx, cleanupLimit)
		defer done()
		return s, guard.Commit(cleanup)
	}
	cleanup, done := infra.Ending(ctx, cleanupLimit)
	defer done()
	if guard.Rollback(cleanup) == nil {
		_ = disconnect(cleanup, tx, schema, server) // the first error is the one that matters
	}
	return nil, err
}

// connect makes the remote connection and sends it the statements that prepare it, in one message. Here it is one
// statement as well: it closes an old connection, opens the new one, and hands its name on to be read from, which keeps
// that order. dblink takes a name that is no server for connection options, so it only gets to see names of servers.
func (s *Session) connect(ctx context.Context, prepare string) error {
	connect := fmt.Sprintf(`
		SELECT t.pid, t.clock
		FROM (
		    SELECT CASE WHEN $1::text = ANY (%[2]s) THEN %[3]s END AS closed, %[4]s AS opened
		    FROM pg_catalog.pg_foreign_server s
		    WHERE s.srvname = $1::text
		    OFFSET 0
		) c
		CROSS JOIN LATERAL %[1]s AS t(pid text, clock text)`,
		Call(s.schema, "dblink", "CASE c.opened WHEN 'OK' THEN $1 END", "$2"), Call(s.schema, "dblink_get_connections"),
		Call(s.schema, "dblink_disconnect", "$1"), Call(s.schema, "dblink_connect", "$1", "s.srvname"))
	var pid string
	// A backend that waits for a connection hears nothing until the connect timeout, so it is not waited for: it rolls back
	// when it finds that nobody is there any more.
	ctx, done := WithinTimeout(infra.WithGrace(ctx, connectGrace), s.server, s.limit)
	err := done(s.tx.QueryRow(ctx, connect, s.server, prepare+"SELECT pg_backend_pid(), GETDATE()").Scan(&pid, &s.clock))
	if errors.Is(err, pgx.ErrNoRows) {
		return &missingError{s.server, ErrNoServer}
	}
	if err != nil {
		return explainCall(s.schema, missing(s.server, err))
	}
	s.pid, err = strconv.Atoi(pid)
	return err
}

// Close ends the remote connection. It must not be called in a transaction that has failed: roll back to a savepoint
// first. A session that nobody closed lives until its backend ends, or until the next [Open] there. It works also when
// ctx has ended, and takes 5 s at most, or what [infra.Grace] leaves.
func (s *Session) Close(ctx context.Context) error {
	ctx, done := infra.Ending(ctx, cleanupLimit)
	defer done()
	if err := disconnect(ctx, s.tx, s.schema, s.server); err != nil {
		return fmt.Errorf("close link %s: %w", s.server, err)
	}
	return nil
}

// PID returns the process id of the remote session, for [Cancel].
func (s *Session) PID() int { return s.pid }

// Clock returns the remote's clock when the session was opened, in UTC, as a timestamp without time zone.
func (s *Session) Clock() string { return s.clock }

// Server returns the name of the foreign server, which is the connection's name too.
func (s *Session) Server() string { return s.server }

// Schema returns the schema in which dblink lives.
func (s *Session) Schema() string { return s.schema }

// Row runs a statement that returns at most one row of n values on the remote, and returns the values as text, nil for
// NULL. Without a row it returns [pgx.ErrNoRows].
func (s *Session) Row(ctx context.Context, sql string, n int) ([]*string, error) {
	rows, err := s.Rows(ctx, sql, n)
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("read from link %s: %w", s.server, pgx.ErrNoRows)
	}
	if err != nil {
		return nil, err
	}
	return rows[0], nil
}

// Rows implements [redshift.Source]. When it fails, the local transaction can go on; a snapshot on the remote cannot.
func (s *Session) Rows(ctx context.Context, sql string, n int) ([][]*string, error) {
	guard, err := s.tx.Begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("read from link %s: %w", s.server, err)
	}
	rows, err := s.rows(ctx, sql, n)
	if err == nil {
		err = guard.Commit(ctx)
	} else {
		back(ctx, guard)
	}
	if err != nil {
		return nil, fmt.Errorf("read from link %s: %w", s.server, err)
	}
	return rows, nil
}

func (s *Session) rows(ctx context.Context, sql string, n int) ([][]*string, error) {
	ctx, done := WithinTimeout(ctx, s.server, s.limit)
	rows, err := s.ask(ctx, sql, n)
	return rows, done(err)
}

func (s *Session) ask(ctx context.Context, sql string, n int) ([][]*string, error) {
	columns := make([]string, n)
	for i := range columns {
		columns[i] = "c" + strconv.Itoa(i) + " text"
	}
	local := "SELECT * FROM " + Call(s.schema, "dblink", "$1", "$2") + " AS t(" + strings.Join(columns, ", ") + ")"
	rows, err := s.tx.Query(ctx, local, s.server, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]*string, error) {
		values := make([]*string, n)
		targets := make([]any, n)
		for i := range values {
			targets[i] = &values[i]
		}
		return values, row.Scan(targets...)
	})
}

// Exec implements [redshift.Describer].
func (s *Session) Exec(ctx context.Context, sql string) error {
	ctx, done := WithinTimeout(ctx, s.server, s.limit)
	_, err := s.tx.Exec(ctx, "SELECT "+Call(s.schema, "dblink_exec", "$1", "$2"), s.server, sql)
	return done(err)
}

// Complaint is what libpq has written for people about the last statement that Redshift has refused: see [redshift.PlaceOf].
// It must not be called in a transaction that has failed. What cannot be had is empty.
func (s *Session) Complaint(ctx context.Context) (text string) {
	_ = s.Guarded(ctx, func() error {
		return s.tx.QueryRow(ctx, "SELECT "+Call(s.schema, "dblink_error_message", "$1"), s.server).Scan(&text)
	})
	return text
}

// Guarded implements [redshift.Describer]: it runs fn in a savepoint of the local transaction.
func (s *Session) Guarded(ctx context.Context, fn func() error) error {
	return infra.InSavepoint(ctx, s.tx, func(pgx.Tx) error { return fn() })
}

// disconnect closes a named connection of this backend if there is one.
func disconnect(ctx context.Context, q Querier, schema, name string) error {
	_, err := q.Exec(ctx, "SELECT "+Call(schema, "dblink_disconnect", "$1")+" WHERE $1::text = ANY ("+
		Call(schema, "dblink_get_connections")+")", name)
	return err
}
