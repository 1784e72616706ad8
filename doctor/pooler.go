package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/infra"
)

// patience is how long the pooler may take for what a database does at once.
const patience = 3 * time.Second

// needed is how many connections one refresh has open at the same time, see refresh.Runner.
const needed = 3

// examinePooler makes the checks that need connections of their own instead of a transaction.
func (d *Doctor) examinePooler(ctx context.Context) []Check {
	var checks []Check
	for _, p := range []struct {
		id      string
		examine func(ctx context.Context) (Check, error)
	}{{"pooler", d.poolerMode}, {"pool-size", d.poolSize}} {
		limited, cancel := context.WithTimeout(ctx, 2*patience)
		c, err := p.examine(limited)
		cancel()
		if err != nil {
			c = undecided(cacheDatabase, err)
		}
		checks = append(checks, signed([]Check{c}, probe{id: p.id, theme: Database})...)
	}
	return checks
}

// poolerMode finds out whether something stands between this process and the database, and how long a client keeps
// its server connection there. A pooler makes up the process id that it tells at login.
func (d *Doctor) poolerMode(ctx context.Context) (Check, error) {
	first, err := d.pool.Acquire(ctx)
	if err != nil {
		return Check{}, fmt.Errorf("connect: %w", err)
	}
	defer first.Release()
	was, err := backend(ctx, first)
	if err != nil {
		return Check{}, err
	}
	if was == first.Conn().PgConn().PID() {
		return ok(cacheDatabase, "no pooler between here and PostgreSQL"), nil
	}
	moves, err := d.serverMoves(ctx, first, was)
	switch {
	case err != nil && strings.Contains(err.Error(), "statement pooling mode"):
		return fail(cacheDatabase, "the pooler is in statement mode, which has no transactions; every refresh is one",
			"Set pool_mode = transaction (or session) for this database, or name another port in DATABASE_URL."), nil
	case err != nil:
		return Check{}, err
	case moves:
		return ok(cacheDatabase, "through a pooler in transaction mode, which is all that refreshes need; LISTEN "+
			"redcache, "+
			"for which a client has to keep its connection, needs another way to PostgreSQL"), nil
	}
	return ok(cacheDatabase, "through a pooler in session mode"), nil
}

// serverMoves tells whether a client gets another server connection when somebody else is given the one it had.
func (d *Doctor) serverMoves(ctx context.Context, first *pgxpool.Conn, was uint32) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	second, err := d.pool.Acquire(ctx)
	if err != nil {
		return false, fmt.Errorf("connect twice: %w", err)
	}
	defer second.Release()
	tx, err := second.Begin(ctx)
	if err != nil {
		return false, fmt.Errorf("begin transaction: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // it only reads
	if _, err := backend(ctx, second); err != nil {
		return false, err
	}
	is, err := backend(ctx, first)
	return is != was, err
}

func backend(ctx context.Context, conn *pgxpool.Conn) (pid uint32, err error) {
	var id int32
	if err := conn.QueryRow(ctx, `SELECT pg_catalog.pg_backend_pid()`).Scan(&id); err != nil {
		return 0, fmt.Errorf("ask for the backend: %w", err)
	}
	return uint32(id), nil
}

// poolSize opens as many transactions at once as a refresh does.
func (d *Doctor) poolSize(ctx context.Context) (Check, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for n := range needed {
		conn, err := d.pool.Acquire(ctx)
		if err == nil {
			defer conn.Release() // with a transaction still open, it is closed
			if _, err = conn.Begin(ctx); err == nil {
				_, err = backend(ctx, conn)
			}
		}
		if err != nil {
			return fail(cacheDatabase, fmt.Sprintf("%d transactions can be open at once, and a refresh needs %d: %s",
				n, needed, infra.Message(err)),
				"Raise the pooler's size for this role and database (PgBouncer: default_pool_size), or "+
					"max_connections."), nil
		}
	}
	return ok(cacheDatabase, "the %d connections of a refresh can be had at once", needed), nil
}
