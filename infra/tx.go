package infra

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Beginner starts transactions; *pgxpool.Pool, *pgxpool.Conn and *pgx.Conn do.
type Beginner interface {
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
}

// ErrOutcomeUnknown says that the connection was lost while the server was committing, so that nobody on this side
// can tell whether it did. [InTx] returns it; work that may be repeated can simply be run again.
var ErrOutcomeUnknown = errors.New("connection lost during commit, the outcome is unknown")

// Cleaning up must not wait for a network that is gone. A commit may wait longer, for a synchronous replica.
const (
	rollbackTimeout = 5 * time.Second
	commitTimeout   = time.Minute
)

// InTx is the one door to a transaction. It begins one (READ COMMITTED) under the limits and the session rules of
// this package, runs fn, and commits when fn returned nil. In any other case, panic and a cancelled context included,
// it rolls back; a connection that cannot roll back is closed instead of being used again. The error of fn comes back
// as it is.
//
// Once COMMIT is on its way, a cancelled context no longer stops it: its outcome is worth waiting for.
func InTx(ctx context.Context, b Beginner, limits Limits, fn func(tx pgx.Tx) error) error {
	tx, err := b.BeginTx(ctx, pgx.TxOptions{BeginQuery: limits.begin()})
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	settled := false
	defer func() {
		if !settled { // fn panicked, or ended its goroutine
			_ = rollback(ctx, tx) // the panic says more than a second failure would
		}
	}()
	err = fn(tx)
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("commit: %w", context.Cause(ctx))
	}
	settled = true
	if err != nil {
		return errors.Join(err, rollback(ctx, tx))
	}
	return commit(ctx, tx)
}

func commit(ctx context.Context, tx pgx.Tx) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	err := tx.Commit(ctx)
	var refused *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrTxCommitRollback), errors.Is(err, pgx.ErrTxClosed):
		return fmt.Errorf("commit: %w", err)
	case errors.As(err, &refused) && !endsSession(refused.Code):
		return fmt.Errorf("commit: %w", err)
	}
	return fmt.Errorf("commit: %w: %w", ErrOutcomeUnknown, err)
}

// endsSession tells the states with which a server ends a session, also between the commit and its acknowledgement:
// admin_shutdown, crash_shutdown and their kin.
func endsSession(state string) bool { return len(state) == 5 && state[:3] == "57P" }

// rollback reports nothing about a connection that is gone: the server rolls back what it can no longer answer.
func rollback(ctx context.Context, tx pgx.Tx) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	err := tx.Rollback(ctx) // pgx closes the connection when this fails
	if err == nil || errors.Is(err, pgx.ErrTxClosed) || tx.Conn() == nil || tx.Conn().IsClosed() {
		return nil
	}
	return fmt.Errorf("roll back: %w", err)
}
