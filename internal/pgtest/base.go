package pgtest

import (
	"context"
	"sync"
	"testing"
)

// Base is a database that is made once on a server, and then copied for each test that begins where it ends: copying is
// much quicker than to do the same again.
type Base struct {
	Name string // of the database
	// Fill puts into the database, which is as those of [Cluster.CreateDatabase] are, what the copies have.
	Fill func(ctx context.Context, c *Cluster, database string) error
}

// NewFrom is [New] with a base.
func NewFrom(t testing.TB, base Base) *Database {
	t.Helper()
	return newDatabase(t, func(c *Cluster) (string, error) { return c.CreateDatabaseFrom(t.Context(), base) })
}

// CreateDatabaseFrom copies a base into a new database that [Owner] owns, and returns its name.
func (c *Cluster) CreateDatabaseFrom(ctx context.Context, base Base) (string, error) {
	fill, _ := c.bases.LoadOrStore(base.Name, sync.OnceValue(func() error {
		all := context.WithoutCancel(ctx) // others will want it too
		if err := c.create(all, base.Name, template); err != nil {
			return err
		}
		return base.Fill(all, c, base.Name)
	}))
	if err := fill.(func() error)(); err != nil {
		return "", err
	}
	name := c.nextName()
	return name, c.create(ctx, name, base.Name)
}
