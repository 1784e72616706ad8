package main

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/refresh"
)

// maxBuilds is how many views a command builds at once at most; maxConns is what that takes, see refresh.Runner, and one to
// look. They are opened as they are needed: for one refresh that is three.
const (
	maxBuilds = 16
	maxConns  = 2*maxBuilds + 2
)

// connection is a program that is connected to the cache database.
type connection struct {
	*program
	pool   *pgxpool.Pool
	store  catalog.Store
	keeper *access.Keeper
	runner *refresh.Runner // one, which remembers the links that this process does not reach
}

// connected runs work with a connection, whatever the state of the catalog.
func (p *program) connected(ctx context.Context, work func(s *connection) error) error {
	config, err := p.database()
	if err != nil {
		return usage(err, "")
	}
	aws := cloud.New()
	pool, err := cloud.OpenPool(ctx, config, aws)
	if err != nil {
		if config.Validate() != nil {
			return usage(err, "")
		}
		return doing(err, "open cache database")
	}
	defer infra.ClosePool(pool)
	keeper := access.NewKeeper(pool, aws, access.Config{Log: p.noteLog()})
	return work(&connection{
		program: p, pool: pool, store: catalog.In(pool), keeper: keeper,
		runner: refresh.NewRunner(pool, refresh.Config{Origin: "cli", Links: keeper}),
	})
}

// database says where the cache database is, from the flag and the environment.
func (p *program) database() (infra.DatabaseConfig, error) {
	config := infra.DatabaseConfig{URL: p.databaseURL, Application: application(), MaxConns: maxConns}
	if config.URL == "" {
		config.URL, _ = p.lookup("DATABASE_URL")
	}
	config.Secret, _ = p.lookup("REDCACHE_DATABASE_SECRET")
	if text, _ := p.lookup("REDCACHE_DATABASE_IAM"); text != "" {
		var err error
		if config.IAM, err = strconv.ParseBool(text); err != nil {
			return config, fmt.Errorf("REDCACHE_DATABASE_IAM=%q: want true or false", text)
		}
	}
	return config, nil
}

// inCatalog runs work with a session on a catalog that is ready for use. What fails since it is not any more says so.
func (p *program) inCatalog(ctx context.Context, work func(s *connection) error) error {
	return p.connected(ctx, func(s *connection) error {
		if err := s.store.Ready(ctx); err != nil {
			return doing(err, "open catalog")
		}
		return s.store.Explain(ctx, work(s))
	})
}

// atOnce runs fn with a session whose catalog is that of one moment, so that what is shown together belongs together.
func (s *connection) atOnce(ctx context.Context, fn func(s *connection) error) error {
	return infra.InSnapshot(ctx, s.pool, infra.Limits{}, func(tx pgx.Tx) error {
		then := *s
		then.store = catalog.In(tx)
		return fn(&then)
	})
}

func (s *connection) definer() *refresh.Definer { return refresh.NewDefiner(s.pool, s.runner) }

// application is what others see as the holder of a lock. Postgres keeps 63 bytes of it.
func application() string {
	who := "somebody"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("cachectl %.16s@%.24s:%d", who, host, os.Getpid())
}
