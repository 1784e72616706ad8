package infra

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Beginner starts transactions; *pgxpool.Pool, *pgxpool.Conn and *pgx.Conn do.
type Beginner interface {
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
}

// ErrOutcomeUnknown says that the connection was lost while the server was committing, so that nobody on this side
// can tell whether it did. [InTx] returns it. Work that may be repeated can simply be done again.
var ErrOutcomeUnknown = errors.New("connection lost during commit, the outcome is unknown")

// Cleaning up must not wait for a network that is gone. A commit may wait longer, for a synchronous replica say.
const (
	rollbackTimeout = 5 * time.Second
	commitTimeout   = time.Minute
)

// InTx is the one door to a transaction. It begins one (READ COMMITTED) under the limits and the [Pins] of this package,
// runs fn, and commits when fn returned nil. In any other case, a panic and a context that ended included, it rolls
// back; a connection that cannot roll back is closed and never used again. The error of fn comes back as it is, and so
// does its panic; but when ctx ended, the error is also ctx.Err() and its cause, where the server has only said that it
// cancelled a statement.
//
// Once COMMIT is on its way, the end of ctx no longer stops it: its outcome is worth waiting for.
func InTx(ctx context.Context, b Beginner, limits Limits, fn func(tx pgx.Tx) error) error {
	return within(ctx, b, limits, "READ COMMITTED, READ WRITE", fn)
}

// InSnapshot is [InTx] for what only reads, and whose statements must all see the same moment.
func InSnapshot(ctx context.Context, b Beginner, limits Limits, fn func(tx pgx.Tx) error) error {
	return within(ctx, b, limits, "REPEATABLE READ, READ ONLY", fn)
}

// Snapshot begins what [InSnapshot] does, for a caller that has to have it open beside another transaction, and calls end.
func Snapshot(ctx context.Context, b Beginner, limits Limits) (tx pgx.Tx, end func(), err error) {
	begun, err := begin(ctx, b, limits, "REPEATABLE READ, READ ONLY")
	if err != nil {
		return nil, nil, err
	}
	return begun.Tx, func() { rollback(ctx, begun) }, nil
}

func within(ctx context.Context, b Beginner, limits Limits, modes string, fn func(tx pgx.Tx) error) error {
	tx, err := begin(ctx, b, limits, modes)
	if err != nil {
		return err
	}
	done := false
	defer func() {
		if !done { // also when fn panicked, which goes on with its own stack, or ended its goroutine
			rollback(ctx, tx)
		}
	}()
	if err := fn(tx.Tx); err != nil {
		return withEnd(ctx, tx.explain(ctx, err))
	}
	if ctx.Err() != nil {
		return withEnd(ctx, errors.New("nothing was committed"))
	}
	done = true
	return commit(ctx, tx)
}

// SQLSTATEs of a server that lets nobody begin, or write.
const (
	codeIdleSession = "57P05" // idle_session_timeout has ended the connection meanwhile
	codeOnStandby   = "0A000" // a transaction that may write cannot begin
	codeReadOnly    = "25006"
)

// begun is a transaction that has begun.
type begun struct {
	pgx.Tx
	standby bool // it may not write, whatever it was asked for
}

// begin begins a transaction. On a standby, where none may write, it is one that may read: looking on goes on there.
func begin(ctx context.Context, b Beginner, limits Limits, modes string) (begun, error) {
	try := func(modes string) (pgx.Tx, error) {
		return b.BeginTx(ctx, pgx.TxOptions{BeginQuery: limits.begin(modes)})
	}
	tx, err := try(modes)
	standby := codeOf(err) == codeOnStandby
	switch {
	case standby:
		tx, err = try("READ COMMITTED, READ ONLY")
	case codeOf(err) == codeIdleSession: // nothing was done over it, and the pool has another
		tx, err = try(modes)
	}
	if err != nil {
		return begun{}, Hinted(fmt.Errorf("begin transaction: %w", err), cmp.Or(poolerHint(err), fullHint(err)))
	}
	return begun{tx, standby}, nil
}

// codeOf is the SQLSTATE of a server's error, or "".
func codeOf(err error) string {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refused.Code
	}
	return ""
}

// ErrReadOnly says that the cache database is a standby, where nothing can be written. [InTx] returns it.
var ErrReadOnly = errors.New("the cache database is a standby, which is read-only")

// explain says what the end of the connection means, and what the refusal to write on a standby.
func (t begun) explain(ctx context.Context, err error) error {
	if ctx.Err() == nil && t.Conn().IsClosed() && Hint(err) == "" {
		return Hinted(err, "The connection to the cache database broke, and nothing of this was committed. Try again.")
	}
	if !t.standby || codeOf(err) != codeReadOnly || errors.Is(err, ErrReadOnly) { // said by a transaction within this one
		return err
	}
	return Hinted(fmt.Errorf("%w: %w", ErrReadOnly, err), Hint(Standby()))
}

// Standby is [ErrReadOnly] with what to do about it.
func Standby() error {
	return Hinted(ErrReadOnly, "Let DATABASE_URL name the primary. Where the two change places, name both hosts, and add "+
		"target_session_attrs=read-write.")
}

// withEnd adds to an error that the context has ended, and why.
func withEnd(ctx context.Context, err error) error {
	for _, end := range []error{context.Cause(ctx), ctx.Err()} {
		if end != nil && !errors.Is(err, end) {
			err = &endedError{end, err}
		}
	}
	return err
}

// endedError is an error of work whose context has ended meanwhile.
type endedError struct{ end, err error }

func (e *endedError) Error() string   { return e.end.Error() + ": " + e.err.Error() }
func (e *endedError) Unwrap() []error { return []error{e.end, e.err} }

// Hint has what the work itself ran into before what the end says: time is often short because of it.
func (e *endedError) Hint() string {
	return strings.TrimSpace(Hint(e.err) + " " + Hint(e.end))
}

func commit(ctx context.Context, tx pgx.Tx) error {
	ctx, cancel := Ending(ctx, commitTimeout)
	defer cancel()
	open := !tx.Conn().IsClosed()
	err := tx.Commit(ctx)
	if err == nil {
		return nil
	}
	// pgx also says of a connection that ends while it reads the answer that it is closed, and that nothing was sent.
	lost := open && errors.Is(err, pgconn.ErrConnClosed)
	if isRefusal(err) || pgconn.SafeToRetry(err) && !lost {
		return fmt.Errorf("commit: %w", err)
	}
	return Hinted(fmt.Errorf("commit: %w: %w", ErrOutcomeUnknown, err),
		"It may be in force: look, with "+Command("cachectl", "list")+", before you do it again.")
}

// isRefusal tells whether the server answered that it did not commit. Class 57P, its shutdown, is no answer: it may
// come between the commit and its acknowledgement.
func isRefusal(err error) bool {
	if errors.Is(err, pgx.ErrTxCommitRollback) || errors.Is(err, pgx.ErrTxClosed) {
		return true
	}
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && !strings.HasPrefix(refused.Code, "57P")
}

// rollback has nothing to report: when it fails, pgx closes the connection, and the server rolls back by itself.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := Ending(ctx, rollbackTimeout)
	defer cancel()
	_ = tx.Rollback(ctx)
}
