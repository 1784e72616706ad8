package infra

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DB runs statements: a pool, a connection or a transaction.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Pinned returns a DB that runs each statement in a transaction of its own, as [InTx] has them, if db can begin one. A
// transaction of InTx cannot, and comes back as it is.
func Pinned(db DB) DB {
	if b, ok := db.(Beginner); ok {
		return pinned{b, false}
	}
	return db
}

// pinned runs each statement in a transaction of its own.
type pinned struct {
	beginner Beginner
	repeated bool // see [Repeated]
}

// in is what a statement is sent through in its transaction.
func (p pinned) in(tx pgx.Tx) DB {
	if p.repeated {
		return repeating{tx}
	}
	return tx
}

// Exec runs a statement that returns no rows.
func (p pinned) Exec(ctx context.Context, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	err = InTx(ctx, p.beginner, Limits{}, func(tx pgx.Tx) error {
		tag, err = p.in(tx).Exec(ctx, sql, args...)
		return err
	})
	return tag, err
}

// QueryRow returns a row that asks for itself when it is scanned.
func (p pinned) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return rowFunc(func(dest ...any) error {
		return InTx(ctx, p.beginner, Limits{}, func(tx pgx.Tx) error {
			return p.in(tx).QueryRow(ctx, sql, args...).Scan(dest...)
		})
	})
}

// rowFunc is a row by its one method.
type rowFunc func(dest ...any) error

// Scan reads the row's values.
func (f rowFunc) Scan(dest ...any) error { return f(dest...) }

// Query returns rows whose end is that of their transaction.
func (p pinned) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	tx, err := begin(ctx, p.beginner, Limits{}, "READ COMMITTED, READ WRITE")
	if err != nil {
		return nil, err
	}
	rows, err := p.in(tx.Tx).Query(ctx, sql, args...)
	if err != nil {
		rollback(ctx, tx)
		return nil, withEnd(ctx, tx.explain(ctx, err))
	}
	return &ownRows{Rows: rows, ctx: ctx, tx: tx}, nil
}

// ownRows are rows with a transaction of their own.
type ownRows struct {
	pgx.Rows
	ctx context.Context // of the query, for the end of its transaction
	tx  begun
	end bool // of the transaction
	err error
}

// Next reads the next row, and ends the transaction after the last one.
func (r *ownRows) Next() bool {
	more := r.Rows.Next()
	if !more {
		r.Close()
	}
	return more
}

// Close ends the transaction, by a commit if all went well.
func (r *ownRows) Close() {
	r.Rows.Close()
	if r.end {
		return
	}
	r.end = true
	if r.err = r.Rows.Err(); r.err != nil {
		r.err = withEnd(r.ctx, r.tx.explain(r.ctx, r.err))
		rollback(r.ctx, r.tx)
	} else {
		r.err = commit(r.ctx, r.tx)
	}
}

// Err is why the rows, or their transaction, ended early.
func (r *ownRows) Err() error {
	if r.end {
		return r.err
	}
	return r.Rows.Err()
}
