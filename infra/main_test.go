package infra_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// patience is how long a test waits for something that must happen. Only a failing test waits that long.
const patience = 20 * time.Second

func openPool(t *testing.T, databaseURL string) *pgxpool.Pool {
	t.Helper()
	pool, err := infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: databaseURL, Application: "redcache test"})
	if err != nil {
		t.Fatalf("OpenPool: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// awaitTrue polls a query that returns one boolean.
func awaitTrue(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var isTrue bool
	for !isTrue {
		if err := pool.QueryRow(ctx, sql, args...).Scan(&isTrue); err != nil {
			t.Fatalf("await %s: %v", sql, err)
		}
	}
}
