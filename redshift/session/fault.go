package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/infra"
)

// Failure is an error of a session: whatever happened on Redshift, or on the way there and back. Every method of a
// [Session] and of a [Reader] returns one, so that nobody takes what Redshift says for the cache database's words.
type Failure struct {
	Doing string // may be empty
	Err   error
}

// Error implements error.
func (e *Failure) Error() string {
	if e.Doing == "" {
		return e.Err.Error()
	}
	return e.Doing + ": " + e.Err.Error()
}

// Unwrap returns what happened.
func (e *Failure) Unwrap() error { return e.Err }

// FromRedshift marks the error's side.
func (e *Failure) FromRedshift() {}

// ShapeError says that a query's columns are not those that were asked for. [Session.Read] returns it.
type ShapeError struct{ Change string }

// Error implements error.
func (e *ShapeError) Error() string { return "the source's columns have changed: " + e.Change }

// Hint says how to take the new columns over.
func (e *ShapeError) Hint() string {
	return "`cachectl alter-view VIEW --describe` describes them again."
}

// ValueError says that a value cannot become one of the cache. It names the place, and never the value. The reader
// returns it.
type ValueError struct {
	Column string
	Type   string // in the cache
	Row    int64  // of the result, from 1
	Err    error
}

// Error implements error.
func (e *ValueError) Error() string {
	return fmt.Sprintf("column %q of type %s, row %d: %v", e.Column, e.Type, e.Row, e.Err)
}

// Unwrap returns what is wrong with the value.
func (e *ValueError) Unwrap() error { return e.Err }

// Hint says how to get the value across.
func (e *ValueError) Hint() string {
	if errors.Is(e.Err, errDoesNotFit) {
		return "Cast the column in the query to a wider type, or ROUND it to the scale that it has."
	}
	return "Transport dblink lets PostgreSQL read the value: `cachectl alter-view VIEW --transport dblink`."
}

// ProtocolError says that the server sent what does not belong there. It is a net.Error, since a connection whose bytes
// cannot be trusted is as good as broken: what helps is another one.
type ProtocolError struct{ Problem string }

// Error implements error.
func (e *ProtocolError) Error() string {
	return "the answer of the server makes no sense: " + e.Problem
}

// Hint says what may be the matter.
func (e *ProtocolError) Hint() string {
	return "Try again. When it comes back, see what stands between here and Redshift, a proxy say, and whether the link's host " +
		"and port are Redshift's own."
}

// Timeout implements net.Error.
func (e *ProtocolError) Timeout() bool { return false }

// Temporary implements net.Error.
func (e *ProtocolError) Temporary() bool { return true }

// reason is why a use of the connection failed. When its context ended, that is what counts, with what is known of the
// statement: the server has ended it, or was asked to and has not answered.
func (s *Session) reason(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	ended := context.Cause(ctx)
	switch {
	case ended == nil || !endedBy(err):
		return nonsenseOr(err)
	case errors.Is(ended, errClosed), s.pid == 0, pgconn.SafeToRetry(err): // it was us, or nothing of ours was begun
		return ended
	case errors.As(err, new(*pgconn.PgError)):
		return fmt.Errorf("%w: %w", ended, err)
	}
	return fmt.Errorf("%w; %w", ended, &infra.StillRunning{Err: errUnanswered})
}

var errUnanswered = errors.New("it was asked to cancel it, and has not answered")

// nonsenseOr makes what pgconn does not understand a [*ProtocolError]. All else has a type of its own.
func nonsenseOr(err error) error {
	_, network := errors.AsType[net.Error](err)
	switch {
	case network, errors.As(err, new(*pgconn.PgError)), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.As(err, new(hinter)), pgconn.SafeToRetry(err), errors.Is(err, net.ErrClosed):
		return err
	}
	return &ProtocolError{err.Error()}
}

// hinter is an error of ours.
type hinter interface {
	error
	Hint() string
}

const codeCanceled = "57014"

// endedBy tells whether an error can come from the end of a context.
func endedBy(err error) bool {
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		return server.Code == codeCanceled
	}
	return true
}

// silenceOr turns a timeout of the connection into one that says what was waited for.
func silenceOr(err error, silence time.Duration) error {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() && silence > 0 {
		return &timeoutError{"the source sent nothing more", silence}
	}
	return err
}
