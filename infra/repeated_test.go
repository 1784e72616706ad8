package infra_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

// A statement that comes back is planned once, and one that does not leaves nothing behind; nor does any behind a pooler, where
// the next transaction may have another server process.
func TestRepeated_NamesWhatComesBackWhereNoPoolerStandsBetween(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	pooler := pgtest.PoolerFor(t, db.Cluster, pgtest.PoolerConfig{})
	for name, of := range map[string]struct {
		url   string
		named int
	}{"server": {db.URL, 3}, "pooler": {pooler.OwnerURL(db.Name), 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := openPool(t, of.url)
			for range 3 { // over one connection, as there is nobody else
				repeat(t, infra.Repeated(pool))
				within := func(tx pgx.Tx) error { repeat(t, infra.Repeated(tx)); return nil }
				if err := infra.InTx(t.Context(), pool, infra.Limits{}, within); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := infra.Repeated(pool).Exec(t.Context(), `SELECT 'once', $1::integer`, 1); err != nil {
				t.Fatal(err)
			}
			var all, ours int
			err := pool.QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE statement ~ 'again' AND calls = 5)
				FROM (SELECT statement, generic_plans + custom_plans AS calls FROM pg_prepared_statements WHERE name <> '') s`).Scan(&all, &ours)
			if err != nil {
				t.Fatal(err)
			}
			if all != of.named || ours != of.named {
				t.Errorf("%d statements are prepared, %d of them run each time but the first, want %d", all, ours, of.named)
			}
		})
	}
}

// repeat sends one statement by each way.
func repeat(t *testing.T, db infra.DB) {
	t.Helper()
	if _, err := db.Exec(t.Context(), `SELECT 'run again', $1::integer`, 1); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Query(t.Context(), `SELECT 'asked again', @n::integer`, pgx.NamedArgs{"n": 2})
	if err != nil {
		t.Fatal(err)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := db.QueryRow(t.Context(), `SELECT $1::integer AS again`, 3).Scan(&n); err != nil || n != 3 {
		t.Fatalf("%d, %v", n, err)
	}
}
