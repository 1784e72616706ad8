package lock

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The first keys, as SQL. The cast of an OID to integer goes through its bits: above 2^31 it would overflow.
const (
	toInteger = `::pg_catalog.oid::bigint::bit(32)::integer`
	viewClass = `'redcache.view'::pg_catalog.regclass` + toInteger
	linkClass = `'redcache.link'::pg_catalog.regclass` + toInteger
	// loginClass is for what is true of a link, its login and address: its slots have the other one.
	loginClass = `'redcache.link_state'::pg_catalog.regclass` + toInteger
	// setClass is for what is built together and has not taken effect yet.
	setClass = `'redcache.set'::pg_catalog.regclass` + toInteger
	// shapeClass is for what a view returns, which others are computed from.
	shapeClass = `'redcache.generation'::pg_catalog.regclass` + toInteger
	// rightsClass is for the rights on what all views share.
	rightsClass = `'redcache.state'::pg_catalog.regclass` + toInteger
)

// lockNotAvailable is the SQLSTATE of a lock_timeout.
const lockNotAvailable = "55P03"

// key is one advisory lock.
type key struct {
	class  string // viewClass, linkClass, loginClass, setClass or shapeClass
	id     int32
	shared bool // with others that say so
}

// function is the one of PostgreSQL that takes it, by the beginning of its name.
func (k key) function(name string) string {
	if k.shared {
		name += "_shared"
	}
	return `SELECT pg_catalog.` + name + `(` + k.class + `, $1)`
}

// try takes the lock if it is free.
func (k key) try(ctx context.Context, tx pgx.Tx) (taken bool, err error) {
	err = tx.QueryRow(ctx, k.function("pg_try_advisory_xact_lock"), k.id).Scan(&taken)
	return taken, err
}

// await stands in the lock's queue for at most limit. When that passes in vain, tx is as it was before. After an
// error tx can only be rolled back.
func (k key) await(ctx context.Context, tx pgx.Tx, limit time.Duration) (taken bool, err error) {
	before, err := timeoutsOf(ctx, tx)
	if err != nil {
		return false, err
	}
	attempt, err := tx.Begin(ctx) // a savepoint
	if err != nil {
		return false, fmt.Errorf("set savepoint: %w", err)
	}
	// The statement timeout is meant for work; a wait has a limit of its own.
	if err := (timeouts{lock: milliseconds(limit), statement: "0"}).set(ctx, attempt); err != nil {
		return false, err
	}
	_, err = attempt.Exec(ctx, k.function("pg_advisory_xact_lock"), k.id)
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == lockNotAvailable {
		return false, attempt.Rollback(ctx) // takes the timeouts back, too
	}
	if err != nil {
		return false, err
	}
	if err := before.set(ctx, attempt); err != nil {
		return false, err
	}
	return true, attempt.Commit(ctx)
}

// timeouts are settings of a transaction, as the server writes them.
type timeouts struct{ lock, statement string }

func timeoutsOf(ctx context.Context, tx pgx.Tx) (t timeouts, err error) {
	err = tx.QueryRow(ctx, `
		SELECT pg_catalog.current_setting('lock_timeout'), pg_catalog.current_setting('statement_timeout')`,
	).Scan(&t.lock, &t.statement)
	if err != nil {
		return t, fmt.Errorf("read timeouts: %w", err)
	}
	return t, nil
}

func (t timeouts) set(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `
		SELECT pg_catalog.set_config('lock_timeout', $1, true), pg_catalog.set_config('statement_timeout', $2, true)`,
		t.lock, t.statement)
	if err != nil {
		return fmt.Errorf("set timeouts: %w", err)
	}
	return nil
}

// milliseconds writes a limit for lock_timeout, rounded up because 0 would mean for ever.
func milliseconds(d time.Duration) string {
	ms := (d + time.Millisecond - 1) / time.Millisecond
	return fmt.Sprintf("%dms", min(max(ms, 1), math.MaxInt32))
}
