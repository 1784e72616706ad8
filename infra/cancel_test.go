package infra_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

// A request to cancel may come when its statement is just ending. It must not meet the next statement then, nor may it
// be broken off, of which PgBouncer 1.18 to 1.20 dies.
func TestOpenPool_CancelsNoOtherStatement(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	pooler := pgtest.PoolerFor(t, db.Cluster, pgtest.PoolerConfig{})
	for name, url := range map[string]string{"server": db.URL, "pooler": pooler.OwnerURL(db.Name)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, err := infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: url, MaxConns: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			canceled, length := 0, max(10*time.Millisecond, 2*untilCanceled(t, pool))
			for n := range 40 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n+1)*length/40)
				if _, err := pool.Exec(ctx, "SELECT pg_sleep($1)", length.Seconds()); err != nil {
					canceled++
				}
				cancel()
				if _, err := pool.Exec(t.Context(), "SELECT pg_sleep(0.003)"); err != nil {
					t.Fatalf("the statement after cancellation %d: %v", canceled, err)
				}
			}
			if canceled < 8 {
				t.Errorf("only %d of 40 statements were cancelled, which proves little", canceled)
			}
		})
	}
}

// untilCanceled is how long it takes until a statement that somebody cancels has ended.
func untilCanceled(t *testing.T, pool *pgxpool.Pool) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := pool.Exec(ctx, "SELECT pg_sleep(60)"); err == nil {
		t.Fatal("it was not canceled")
	}
	return time.Since(begun)
}
