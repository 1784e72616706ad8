package infra

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Repeated is [Pinned] for statements that are sent again and again, always in the same words, and that cost the server more to
// plan than to run. From its second time on, a connection has each prepared under a name, unless a pooler stands between.
//
// Not for statements that say which table they are about: each text is kept for as long as its connection, and a plan that was
// made while a table was small may be kept until it is analyzed.
func Repeated(db DB) DB {
	if b, ok := db.(Beginner); ok {
		return pinned{b, true}
	}
	if tx, ok := db.(pgx.Tx); ok {
		return repeating{tx}
	}
	return db
}

// repeating is a transaction whose statements are [Repeated].
type repeating struct{ tx pgx.Tx }

// Exec runs a statement that returns no rows.
func (r repeating) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	args, err := again(ctx, r.tx.Conn(), sql, args)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	return r.tx.Exec(ctx, sql, args...)
}

// Query runs a statement that returns rows.
func (r repeating) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	args, err := again(ctx, r.tx.Conn(), sql, args)
	if err != nil {
		return nil, err
	}
	return r.tx.Query(ctx, sql, args...)
}

// QueryRow runs a statement that returns a row.
func (r repeating) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	args, err := again(ctx, r.tx.Conn(), sql, args)
	if err != nil {
		return rowFunc(func(...any) error { return err })
	}
	return r.tx.QueryRow(ctx, sql, args...)
}

// again is args, and before them how a statement is sent that the connection has sent before.
func again(ctx context.Context, conn *pgx.Conn, sql string, args []any) ([]any, error) {
	sent := sentOver(conn)
	if !sent[sql] { // many commands send each but once: naming it would not pay
		sent[sql] = true
		return args, nil
	}
	named, err := direct(ctx, conn)
	if err != nil || !named {
		return args, err
	}
	return append([]any{pgx.QueryExecModeCacheStatement}, args...), nil
}

// sentOver are the texts that were sent over a connection by [Repeated].
func sentOver(conn *pgx.Conn) map[string]bool {
	const key = "redcache.sent"
	kept := conn.PgConn().CustomData()
	sent, ok := kept[key].(map[string]bool)
	if !ok {
		sent = map[string]bool{}
		kept[key] = sent
	}
	return sent
}

// direct says whether the process that the connection was told of when it was made is the one that serves it. A pooler tells of
// one of its own, as a connection has another server's process in each transaction.
func direct(ctx context.Context, conn *pgx.Conn) (bool, error) {
	const key = "redcache.direct"
	kept := conn.PgConn().CustomData()
	if known, ok := kept[key].(bool); ok {
		return known, nil
	}
	var pid uint32
	if err := conn.QueryRow(ctx, `SELECT pg_catalog.pg_backend_pid()`).Scan(&pid); err != nil {
		return false, err
	}
	kept[key] = pid == conn.PgConn().PID()
	return pid == conn.PgConn().PID(), nil
}
