package infra

import (
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

// InTx is the one door to a transaction. It begins one (READ COMMITTED) under the limits and the session rules of
// this package, runs fn, and commits when fn returned nil. In any other case, a panic and a context that ended
// included, it rolls back; a connection that cannot roll back is closed and never used again. The error of fn comes
// back as it is, and so does its panic; but when ctx ended, the error is also ctx.Err() and its cause, where the
// server has only said that it cancelled a statement.
//
// Once COMMIT is on its way, the end of ctx no longer stops it: its outcome is worth waiting for.
func InTx(ctx context.Context, b Beginner, limits Limits, fn func(tx pgx.Tx) error) error {
	tx, err := b.BeginTx(ctx, pgx.TxOptions{BeginQuery: limits.begin()})
	if err != nil {
		return Hinted(fmt.Errorf("begin transaction: %w", err), poolerHint(err))
	}
	done := false
	defer func() {
		if !done { // also when fn panicked, which goes on with its own stack, or ended its goroutine
			rollback(ctx, tx)
		}
	}()
	if err := fn(tx); err != nil {
		return withEnd(ctx, err)
	}
	if ctx.Err() != nil {
		return withEnd(ctx, errors.New("nothing was committed"))
	}
	done = true
	return commit(ctx, tx)
}

// withEnd adds to an error that the context has ended, and why.
func withEnd(ctx context.Context, err error) error {
	for _, end := range []error{context.Cause(ctx), ctx.Err()} {
		if end != nil && !errors.Is(err, end) {
			err = fmt.Errorf("%w: %w", end, err)
		}
	}
	return err
}

func commit(ctx context.Context, tx pgx.Tx) error {
	ctx, cancel := Ending(ctx, commitTimeout)
	defer cancel()
	err := tx.Commit(ctx)
	if err == nil {
		return nil
	}
	if isRefusal(err) || pgconn.SafeToRetry(err) {
		return fmt.Errorf("commit: %w", err)
	}
	return fmt.Errorf("commit: %w: %w", ErrOutcomeUnknown, err)
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
