package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// busy lists what still works for the owner.
const busy = `
	SELECT a.pid || ': ' || left(a.query, 100) FROM pg_stat_activity a
	WHERE a.datname = current_database() AND a.usename = 'redcache_owner' AND a.state <> 'idle'
	UNION ALL
	SELECT l.pid || ': holds an advisory lock' FROM pg_locks l
	WHERE l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`

// settle waits until nobody refreshes any more.
func (h *history) settle(ctx context.Context) error {
	return h.untilNone(ctx, "at work", busy)
}

// untilNone waits until a query on the cache returns nothing.
func (h *history) untilNone(ctx context.Context, what, query string) error {
	deadline := time.Now().Add(h.patience)
	for {
		left, err := h.lines(ctx, query)
		if err != nil || len(left) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			h.tally.left += len(left)
			return &differenceError{"left behind, " + what, left}
		}
		if err := pauseFor(ctx, 5*time.Millisecond); err != nil {
			return context.Cause(ctx)
		}
	}
}

func (h *history) lines(ctx context.Context, query string) (lines []string, err error) {
	found, err := h.pair.admin.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	defer found.Close()
	for found.Next() {
		var line string
		if err := found.Scan(&line); err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, found.Err()
}

// publishRest refreshes a unit until readers see what runs have loaded: readers that were there for too long have kept
// it from being published, which the run has said.
func (h *history) publishRest(ctx context.Context, u *unit) error {
	for range 5 {
		pending := slices.ContainsFunc(u.now, func(c copied) bool { return c.hidden || c.def.Generation != c.loaded })
		if !pending {
			return nil
		}
		run, err := h.pair.workers[0].Refresh(ctx, refresh.Request{View: u.names[0], Wait: 20 * time.Second})
		res := result{what: "refresh once more " + u.names[0].String(), run: run, err: err}
		h.say("%s: %s", res.what, outcome(res))
		h.tally.count(res)
		if err := h.settle(ctx); err != nil {
			return err
		}
		last := len(h.versions) - 1
		if err := h.check(ctx, u, happened{results: []result{res}, from: last, to: last}); err != nil {
			return err
		}
		if err != nil {
			return nil // as the model says it must; the next refresh that can will do it
		}
	}
	return differs("unit %d is not published after five refreshes", u.number)
}

// left is what nothing may leave behind.
var left = map[string]string{
	"temporary relations":   `SELECT relname::text FROM pg_class WHERE relpersistence = 't'`,
	"prepared transactions": `SELECT gid FROM pg_prepared_xacts WHERE database = current_database()`,
	"running runs":          `SELECT id::text FROM redcache.run WHERE state = 'running'`,
	"sessions at work":      busy,
	"unseen generations": `
		SELECT c.relname::text FROM pg_class c
		WHERE c.relnamespace = 'redcache_data'::regnamespace AND c.relkind IN ('r', 'm')
		AND c.relname NOT IN (SELECT 'v' || view_id || '_g' || generation FROM redcache.copy)`,
}

// nothingLeft wants no trace of a history but its views. A last refresh of each unit picks up what was left for it.
func (h *history) nothingLeft(ctx context.Context) error {
	if err := h.commit(ctx, changed("mend the keys", mendKeys...), false); err != nil {
		return err
	}
	// What processes have left behind that were killed while they changed a definition goes with the next change, once they
	// have been silent for long enough.
	cleaner := refresh.NewDefiner(h.pair.pools[0], refresh.NewRunner(h.pair.pools[0], refresh.Config{Silence: time.Nanosecond}))
	asItIs := func(*catalog.View) error { return nil }
	if _, err := cleaner.Alter(ctx, h.units[0].names[0], asItIs, false, nil); err != nil {
		return differs("the last change of a definition: %v", err)
	}
	for _, u := range h.units {
		run, err := h.pair.workers[0].Refresh(ctx, refresh.Request{View: u.names[0], Whole: true, AllowShrink: 100, Wait: 20 * time.Second})
		if err != nil {
			return differs("the last refresh of unit %d: %s, %v", u.number, run.State, err)
		}
	}
	for what, query := range left {
		if err := h.untilNone(ctx, what, query); err != nil {
			return err
		}
	}
	if err := h.nothingPrepared(ctx); err != nil {
		return err
	}
	deadline := time.Now().Add(h.patience)
	for h.pair.stand.Sessions() > 0 {
		if time.Now().After(deadline) {
			h.tally.left++
			return differs("%d sessions are left on the source", h.pair.stand.Sessions())
		}
		if err := pauseFor(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// nothingPrepared wants no session of a worker to know dblink's connections, nor prepared statements, but those of the catalog
// where no pooler is between: behind one, the next transaction over it is somebody else's.
func (h *history) nothingPrepared(ctx context.Context) error {
	var errs []error
	for n, pool := range h.pair.pools {
		for _, conn := range pool.AcquireAllIdle(ctx) {
			var left string
			err := conn.QueryRow(ctx, `SELECT pg_catalog.concat_ws(' ', (SELECT pg_catalog.string_agg(name, ' ') FROM pg_catalog.pg_prepared_statements
					WHERE name !~ '^stmtcache_' OR pg_catalog.pg_backend_pid() <> $1::integer),
				pg_catalog.array_to_string(public.dblink_get_connections(), ' '))`, pgx.QueryExecModeExec, int32(conn.Conn().PgConn().PID())).Scan(&left)
			conn.Release()
			if err != nil {
				errs = append(errs, fmt.Errorf("look for what worker %d has left in its session: %w", n+1, err))
			}
			if left != "" {
				h.tally.left++
				errs = append(errs, differs("worker %d has left %s in its session", n+1, left))
			}
		}
	}
	return errors.Join(errs...)
}
