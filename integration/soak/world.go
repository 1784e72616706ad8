package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/catalog/migrate"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

const (
	login    = "cache_ro"
	password = `s\o'a k"`
	reading  = "soak_reader" // the role of all readers
)

// modifiedLag is how late the stand-in notes changes of its tables, and a little more.
const (
	notedAfter  = 200 * time.Millisecond
	modifiedLag = 400 * time.Millisecond
)

// world is the two servers that all histories share.
type world struct {
	engine, cache *pgtest.Cluster
	pooler        *pgtest.Pooler // in front of the cache, in transaction mode; nil where there is none
	readers       string         // their password
}

func startWorld(ctx context.Context) (_ *world, err error) {
	w := &world{readers: "a reader's"}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.stop(false))
		}
	}()
	if w.engine, err = pgtest.Start(ctx, pgtest.Config{}); err != nil {
		return nil, err
	}
	if w.cache, err = pgtest.Start(ctx, pgtest.Config{Settings: map[string]string{"max_prepared_transactions": "5"}}); err != nil {
		return nil, err
	}
	w.pooler, err = pgtest.StartPooler(ctx, w.cache, pgtest.PoolerConfig{})
	if missing := errors.Is(err, pgtest.ErrNoPgBouncer); missing && os.Getenv("CI") != "true" {
		fmt.Fprintln(os.Stderr, "NOT CHECKED: a worker behind a pooler, as there is no PgBouncer")
	} else if err != nil {
		return nil, err
	}
	return w, w.cache.Admin(ctx, "postgres", "CREATE ROLE "+reading+" LOGIN PASSWORD '"+sqlText(w.readers)+"'")
}

// stop ends the servers, and keeps their files for a human to look at if it is told to.
func (w *world) stop(keep bool) error {
	var errs []error
	if w.pooler != nil {
		errs = append(errs, w.pooler.Stop())
	}
	for _, c := range []*pgtest.Cluster{w.engine, w.cache} {
		if c == nil {
			continue
		}
		if keep {
			c.Keep()
		}
		errs = append(errs, c.Stop())
	}
	return errors.Join(errs...)
}

// pair is the source and the cache of one history.
type pair struct {
	*world
	sourceDB, cacheDB string
	pooled            bool          // the second worker, and what is killed, come through the pooler
	engine            *pgxpool.Pool // superuser; changes the source behind the stand-in's back
	admin             *pgxpool.Pool // superuser; looks, and breaks things
	stand             *redshiftsim.Server
	pools             []*pgxpool.Pool // of the workers, as the ordinary role
	workers           []*refresh.Runner
	definer           *refresh.Definer
	store             catalog.Store
	link              catalog.Link
}

// openPair makes both databases, and has prepare do what must be done before the owner connects. The caller must close
// the pair.
func (w *world) openPair(ctx context.Context, prepare func(p *pair) error) (p *pair, err error) {
	p = &pair{world: w}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close(false))
		}
	}()
	if p.sourceDB, err = w.engine.CreateDatabase(ctx); err != nil {
		return p, err
	}
	if p.cacheDB, err = w.cache.CreateDatabase(ctx); err != nil {
		return p, err
	}
	if p.engine, err = pgxpool.New(ctx, w.engine.AdminURL(p.sourceDB)); err != nil {
		return p, err
	}
	if p.admin, err = pgxpool.New(ctx, w.cache.AdminURL(p.cacheDB)); err != nil {
		return p, err
	}
	if err = p.startSource(ctx); err != nil {
		return p, err
	}
	if err = prepare(p); err != nil {
		return p, err
	}
	return p, p.startCache(ctx)
}

func (p *pair) startSource(ctx context.Context) (err error) {
	url := p.world.engine.AdminURL(p.sourceDB)
	if err = redshiftsim.Prepare(ctx, url); err != nil {
		return err
	}
	for _, statement := range []string{sourceTable, "SELECT redshift.track('public.item')"} {
		if _, err = p.engine.Exec(ctx, statement); err != nil {
			return fmt.Errorf("source: %w", err)
		}
	}
	p.stand, err = redshiftsim.Start(ctx, redshiftsim.Config{EngineURL: url, Users: map[string]string{login: password}})
	if err != nil {
		return err
	}
	p.stand.NoteChangesAfter(notedAfter)
	return nil
}

func (p *pair) startCache(ctx context.Context) (err error) {
	for n, url := range []string{p.cache.OwnerURL(p.cacheDB), p.secondURL()} {
		pool, err := infra.OpenPool(ctx, infra.DatabaseConfig{URL: url, MaxConns: 12, Application: fmt.Sprint("soak ", n+1)})
		if err != nil {
			return err
		}
		p.pools = append(p.pools, pool)
		p.workers = append(p.workers, newRunner(pool))
	}
	if _, err := migrate.Up(ctx, p.pools[0]); err != nil {
		return err
	}
	p.definer, p.store = refresh.NewDefiner(p.pools[0], p.workers[0]), catalog.In(p.pools[0])
	p.link, err = access.CreateLink(ctx, p.pools[0], catalog.Link{
		Name: "dw", Host: p.stand.Host(), Port: p.stand.Port(), Database: p.sourceDB, User: login,
		SSLMode: "require", MaxConcurrency: 6,
	}, access.Login{Password: password})
	return err
}

// secondURL is where the second worker finds the cache.
func (p *pair) secondURL() string {
	if p.pooled {
		return p.pooler.OwnerURL(p.cacheDB)
	}
	return p.cache.OwnerURL(p.cacheDB)
}

func newRunner(pool *pgxpool.Pool) *refresh.Runner {
	return refresh.NewRunner(pool, refresh.Config{
		Backoff:        infra.Backoff{Base: 5 * time.Millisecond, Max: 20 * time.Millisecond},
		SwitchPatience: 300 * time.Millisecond, ModifiedLag: modifiedLag,
	})
}

// reader opens a session of the readers' role.
func (p *pair) reader(ctx context.Context, mode pgx.QueryExecMode) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(p.cache.URL(p.cacheDB, reading, p.readers))
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = mode
	return pgx.ConnectConfig(ctx, config)
}

// close ends all sessions, and drops both databases unless they are to be kept.
func (p *pair) close(keep bool) error {
	ctx := context.Background()
	for _, pool := range append(p.pools, p.admin, p.engine) {
		if pool != nil {
			pool.Close()
		}
	}
	var errs []error
	if p.stand != nil {
		errs = append(errs, p.stand.Close())
	}
	if keep {
		return errors.Join(errs...)
	}
	for cluster, database := range map[*pgtest.Cluster]string{p.world.engine: p.sourceDB, p.cache: p.cacheDB} {
		if database != "" {
			errs = append(errs, cluster.DropDatabase(ctx, database))
		}
	}
	return errors.Join(errs...)
}
