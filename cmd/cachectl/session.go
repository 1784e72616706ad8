package main

import (
	"context"
	"fmt"
	"os"
	"os/user"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// maxConns is what one refresh at a time needs, see refresh.Runner, and one to look.
const maxConns = 4

// session is a program that is connected to the cache database.
type session struct {
	*program
	pool   *pgxpool.Pool
	store  catalog.Store
	runner *refresh.Runner // one, which remembers the links that this process does not reach
}

// connected runs work with a session, whatever the state of the catalog.
func (p *program) connected(ctx context.Context, work func(s *session) error) error {
	url := p.databaseURL
	if url == "" {
		url, _ = p.lookup("DATABASE_URL")
	}
	pool, err := infra.OpenPool(ctx, infra.DatabaseConfig{URL: url, Application: application(), MaxConns: maxConns})
	if err != nil {
		if _, invalid := pgxpool.ParseConfig(url); url == "" || invalid != nil {
			return usage(err, "")
		}
		return doing(err, "open cache database")
	}
	defer pool.Close()
	return work(&session{
		program: p, pool: pool, store: catalog.In(pool), runner: refresh.NewRunner(pool, refresh.Config{Origin: "cli"}),
	})
}

// inCatalog runs work with a session on a catalog that is ready for use.
func (p *program) inCatalog(ctx context.Context, work func(s *session) error) error {
	return p.connected(ctx, func(s *session) error {
		if err := s.store.Ready(ctx); err != nil {
			return doing(err, "open catalog")
		}
		return work(s)
	})
}

func (s *session) definer() *refresh.Definer { return refresh.NewDefiner(s.pool, s.runner) }

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
