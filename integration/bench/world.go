package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

const (
	// login is the one of this project's paths on the source. Only for it, the source has functions of Redshift's.
	login    = "cache_ro"
	password = "a benchmark's password"
)

// settings are the same on both servers: durable, and with room so that no checkpoint and no autovacuum falls into one
// path's time and not into another's. Both are done between the operations instead.
var settings = map[string]string{
	"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "wal_level": "replica",
	"shared_buffers": "512MB", "work_mem": "64MB", "maintenance_work_mem": "256MB", "effective_cache_size": "2GB",
	"max_wal_size": "16GB", "min_wal_size": "4GB", "checkpoint_timeout": "1h", "autovacuum": "off", "jit": "off",
}

// world is all that is measured, and measured with.
type world struct {
	options

	source, cache     *pgtest.Cluster
	sourceDB, cacheDB string
	sourceAdmin       *pgxpool.Pool // superuser
	cacheAdmin        *pgxpool.Pool // superuser
	relay             *relay
	warehouse         *redshiftsim.Server // only where a path needs what only Redshift has; nil until then

	big, small *table
}

// build starts both servers and fills the source. The caller must close the world.
func build(ctx context.Context, o options) (_ *world, err error) {
	w := &world{options: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	say("starting two servers and loading %d rows", o.rows)
	if w.source, w.sourceDB, w.sourceAdmin, err = startServer(ctx); err != nil {
		return nil, err
	}
	if w.cache, w.cacheDB, w.cacheAdmin, err = startServer(ctx); err != nil {
		return nil, err
	}
	if w.relay, err = startRelay(net.JoinHostPort(w.source.Host, strconv.Itoa(w.source.Port))); err != nil {
		return nil, err
	}
	w.big, w.small = &table{name: "public.t", rows: o.rows}, &table{name: "public.t_small", rows: o.rows / 10}
	for _, t := range []*table{w.big, w.small} {
		if err = t.load(ctx, w.sourceAdmin); err != nil {
			return nil, err
		}
	}
	if err = w.passForRedshift(ctx); err != nil {
		return nil, err
	}
	return w, w.joinCache(ctx)
}

func startServer(ctx context.Context) (*pgtest.Cluster, string, *pgxpool.Pool, error) {
	cluster, err := pgtest.Start(ctx, pgtest.Config{Settings: settings})
	if err != nil {
		return nil, "", nil, err
	}
	name, err := cluster.CreateDatabase(ctx)
	if err != nil {
		return cluster, "", nil, err
	}
	pool, err := pgxpool.New(ctx, cluster.AdminURL(name))
	return cluster, name, pool, err
}

// passForRedshift makes the login of this project's paths, and the few functions of Redshift that their statements call,
// GETDATE() and a CHR() that takes 0. Only this login finds them before Postgres's own.
func (w *world) passForRedshift(ctx context.Context) error {
	if err := redshiftsim.Prepare(ctx, w.source.AdminURL(w.sourceDB)); err != nil {
		return err
	}
	return execAll(ctx, w.sourceAdmin,
		"CREATE ROLE "+login+" LOGIN PASSWORD '"+sqlText(password)+"'",
		"ALTER ROLE "+login+" SET search_path = redshift, pg_catalog, public",
		"GRANT pg_read_all_data TO "+login,
		"GRANT SELECT ON public.t, public.t_small TO "+pgtest.Owner)
}

// joinCache prepares the cache for all paths: the product's catalog and its link.
func (w *world) joinCache(ctx context.Context) error {
	if _, err := w.cachectl(ctx, "init"); err != nil {
		return err
	}
	_, err := w.cachectl(ctx, "link", "add", "dw", "--host", w.source.Host, "--port", strconv.Itoa(w.relay.port()),
		"--database", w.sourceDB, "--user", login, "--password-env", "DW_PASSWORD", "--sslmode", "disable")
	return err
}

func (w *world) close() error {
	var errs []error
	for _, pool := range []*pgxpool.Pool{w.sourceAdmin, w.cacheAdmin} {
		if pool != nil {
			pool.Close()
		}
	}
	if w.warehouse != nil {
		errs = append(errs, w.warehouse.Close())
	}
	if w.relay != nil {
		errs = append(errs, w.relay.close())
	}
	for _, cluster := range []*pgtest.Cluster{w.cache, w.source} {
		if cluster != nil {
			errs = append(errs, cluster.Stop())
		}
	}
	return errors.Join(errs...)
}

// execAll runs statements, each in a transaction of its own.
func execAll(ctx context.Context, pool *pgxpool.Pool, statements ...string) error {
	for _, statement := range statements {
		if _, err := pool.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "# "+format+"\n", args...) }
