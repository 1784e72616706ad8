// Package cachetest gives tests cache databases that are ready for use.
package cachetest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog/migrate"
	"github.com/redcache/redcache/internal/pgtest"
)

var base = pgtest.Base{
	Name: "redcache_catalog",
	Fill: func(ctx context.Context, c *pgtest.Cluster, database string) error {
		pool, err := pgxpool.New(ctx, c.OwnerURL(database))
		if err != nil {
			return err
		}
		defer pool.Close()
		_, err = migrate.Up(ctx, pool)
		return err
	},
}

// New gives the test a database of its own, as [pgtest.New] does, with an empty catalog of the newest version that its
// owner made.
func New(t testing.TB) *pgtest.Database {
	t.Helper()
	return pgtest.NewFrom(t, base)
}
