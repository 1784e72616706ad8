package pipeline_test

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/cachetest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/internal/redshiftsim/customers"
	"github.com/redcache/redcache/pipeline"
	"github.com/redcache/redcache/refresh"
)

// The founding example is applied as one set, and a second time comes to nothing.
func TestApply_FoundingExample(t *testing.T) {
	t.Parallel()
	pool := linked(t, customers.Tables...)
	project, problems := pipeline.Load(os.DirFS("../examples/customer-health"))
	if problems != nil {
		t.Fatal(problems)
	}
	if _, err := definer(pool).Apply(t.Context(), changes(t, pool, project)); err != nil {
		t.Fatalf("%v: %s", err, infra.Hint(err))
	}
	rows, err := pool.Query(t.Context(), `SELECT count(*) FROM public.mv_customer_health`)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[int]); err != nil || n != 40 {
		t.Errorf("%d users, %v", n, err)
	}
	if again := changes(t, pool, project); len(again) != 0 {
		t.Errorf("a second time it changes %v", again)
	}
}

// linked returns a cache that is linked to a source in which statements have been run.
func linked(t *testing.T, statements ...string) *pgxpool.Pool {
	t.Helper()
	source, cache := redshiftsim.For(t), cachetest.New(t)
	for _, statement := range statements {
		if _, err := source.Engine.Exec(t.Context(), statement); err != nil {
			t.Fatal(statement, err)
		}
	}
	pool, err := infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: cache.URL, MaxConns: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if _, err := access.CreateLink(t.Context(), pool, catalog.Link{
		Name: "dw", Host: source.Host(), Port: source.Port(), Database: source.Name, User: redshiftsim.User,
		SSLMode: "require", MaxConcurrency: 4,
	}, access.Login{Password: redshiftsim.Password}); err != nil {
		t.Fatal(err)
	}
	return pool
}

func changes(t *testing.T, pool *pgxpool.Pool, project *pipeline.Project) []refresh.Change {
	t.Helper()
	return pipeline.Apply(compare(t, pool, project, false))
}
