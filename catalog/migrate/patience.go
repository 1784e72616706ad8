package migrate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/plan"
)

const (
	// patience is how long a migration waits for another one, and until nobody uses the catalog.
	patience = 2 * time.Minute
	// moment is how long nobody has to be told whom a migration waits for.
	moment = time.Second
	// readersWait is how long a new reader may have to queue behind one try to get the locks.
	readersWait = 100 * time.Millisecond
)

// BusyError says that the catalog was in use for all the time that a migration waits. Nothing was changed.
type BusyError struct {
	For     time.Duration
	Holders []lock.Holder // those who use it, the longest first; none: they have just left
	cause   error
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("migrate schema redcache: the catalog was in use for %s, by %s", e.For.Round(time.Millisecond), named(e.Holders))
}

// named are some of the sessions that use the catalog.
func named(holders []lock.Holder) string {
	const most = 5
	names := make([]string, 0, most)
	for _, h := range holders[:min(most, len(holders))] {
		names = append(names, h.String())
	}
	who := strings.Join(names, ", ")
	if more := len(holders) - most; more > 0 {
		who += fmt.Sprintf(" and %d more", more)
	}
	return cmp.Or(who, "sessions that come and go")
}

// Hint says whom to stop.
func (e *BusyError) Hint() string {
	return "Nothing was changed. Stop workers and functions first; they stop once their refreshes are over. pg_stat_activity shows what others " +
		"are at, and pg_prepared_xacts what was forgotten."
}

func (e *BusyError) Unwrap() error { return e.cause }

// patiently runs fn in transactions, until one gets its locks, and returns what that one has applied.
func patiently(
	ctx context.Context, db DB, limit time.Duration, tell func(who string), fn func(tx pgx.Tx) ([]Migration, error),
) (applied []Migration, err error) {
	for began := time.Now(); ; {
		err = infra.InTx(ctx, db, infra.Limits{Lock: limit}, func(tx pgx.Tx) error {
			applied, err = fn(tx)
			return err
		})
		const lockNotAvailable = "55P03"
		if refused, ok := errors.AsType[*pgconn.PgError](err); !ok || refused.Code != lockNotAvailable {
			break
		}
		waited := time.Since(began)
		if waited >= limit {
			return nil, &BusyError{waited, holders(ctx, db), err}
		}
		if tell != nil && waited >= moment {
			tell(named(holders(ctx, db)))
			tell = nil
		}
		if err := infra.Sleep(ctx, readersWait+rand.N(4*readersWait)); err != nil {
			return nil, fmt.Errorf("wait until nobody uses the catalog: %w", err)
		}
	}
	if err != nil {
		return nil, err
	}
	return applied, nil
}

// lockAll locks the views and tables of the catalog, those that exist, and returns how. The locks together are waited for as
// long as one reader may have to: lock_timeout counts for each anew.
func lockAll(ctx context.Context, tx pgx.Tx) ([]plan.Step, error) {
	steps, err := lockSteps(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("list what the catalog consists of: %w", err)
	}
	until := time.Now().Add(readersWait)
	for _, step := range steps {
		left := max(time.Until(until), time.Millisecond)
		if _, err := tx.Exec(ctx, `SELECT pg_catalog.set_config('lock_timeout', $1, true)`, fmt.Sprint(left.Milliseconds())); err != nil {
			return nil, fmt.Errorf("lock the catalog: %w", err)
		}
		if err := plan.Run(ctx, tx, []plan.Step{step}); err != nil {
			return nil, err
		}
	}
	return steps, nil
}

func lockSteps(ctx context.Context, tx pgx.Tx) ([]plan.Step, error) {
	// LOCK TABLE of a view would lock what it reads as well, the system's catalogs included. Taking back an option that no
	// view of ours has locks only the view.
	rows, err := tx.Query(ctx, `
		SELECT pg_catalog.format(CASE c.relkind WHEN 'v' THEN 'ALTER VIEW %1$I.%2$I RESET (check_option)'
		                         ELSE 'LOCK TABLE %1$I.%2$I IN ACCESS EXCLUSIVE MODE' END, n.nspname, c.relname)
		FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'redcache' AND c.relkind IN ('r', 'v')
		ORDER BY c.relname <> 'freshness', c.relkind <> 'v', c.relname`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (plan.Step, error) {
		step := waits(plan.Step{Title: "lock the catalog"})
		err := row.Scan(&step.SQL)
		return step, err
	})
}

// holders are the sessions that use the catalog, or migrate it, as far as they can be seen. Who is in the way is only told:
// that it cannot be said is no reason to say less.
func holders(ctx context.Context, db DB) []lock.Holder {
	rows, err := infra.Pinned(db).Query(ctx, `
		SELECT coalesce(l.pid, 0) AS pid, coalesce(a.application_name, '') AS application, coalesce(a.usename::text, '') AS user,
		       coalesce(a.client_addr::text, '') AS client_addr, coalesce(a.xact_start, '0001-01-01 00:00:00+00') AS since,
		       coalesce(a.state, '') AS state, false AS strange
		FROM (
		    SELECT DISTINCT l.pid
		    FROM pg_catalog.pg_locks l
		    LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation AND l.locktype = 'relation'
		    WHERE l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
		      AND l.granted AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
		      AND (c.relnamespace = pg_catalog.to_regnamespace('redcache')
		           OR l.locktype = 'advisory' AND l.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND l.objsubid = 2)
		) l
		LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
		ORDER BY a.xact_start, l.pid`)
	if err != nil {
		return nil
	}
	found, _ := pgx.CollectRows(rows, pgx.RowToStructByName[lock.Holder])
	return found
}
