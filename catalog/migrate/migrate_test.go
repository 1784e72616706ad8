package migrate

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Views of version 3 keep their rows and their numbers; those whose relations lack something are built anew.
func TestUp_FromVersion3(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool(t)
	err := infra.InTx(t.Context(), pool, infra.Limits{}, func(tx pgx.Tx) error {
		_, err := up(t.Context(), tx, 3)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	const definitions = `
		WITH link AS (
		    INSERT INTO redcache.link (name, host, hostaddr, port, database, username, sslmode, max_concurrency)
		    VALUES ('dw', 'h', '', 5439, 'd', 'u', 'require', 4)
		    RETURNING id
		), added AS (
		    INSERT INTO redcache.view (link_id, generation, schema_name, view_name, query, columns, strategy, key, watermark,
		        lookback, safety_lag, reconcile_every, refresh_every, max_age, timeout, indexes, grantees, nul_bytes)
		    SELECT link.id, d.generation, 'bi', d.name, 'SELECT 1 AS id', '[]', d.strategy, d.key, '', '', '0', '0', '1h', '0', '1h', '{}', '{}', 'strip'
		    FROM link, (VALUES ('keyed', 2, 2, 'concurrent', '{id}'::text[]), ('waiting', 3, 2, 'concurrent', '{id}'),
		        ('keyless', 2, 2, 'nonconcurrent', '{}'), ('swapped', 7, 7, 'swap', '{id}')) d (name, generation, loaded, strategy, key)
		    RETURNING id, view_name
		)
		INSERT INTO redcache.state (view_id, generation, loaded, row_count)
		SELECT id, CASE view_name WHEN 'swapped' THEN 7 ELSE 2 END, CASE view_name WHEN 'swapped' THEN 7 ELSE 2 END, 100
		FROM added`
	if _, err := pool.Exec(t.Context(), definitions); err != nil {
		t.Fatal(err)
	}
	if applied, err := Up(t.Context(), pool); err != nil || len(applied) == 0 {
		t.Fatalf("%d migrations, %v", len(applied), err)
	}
	type numbers struct {
		Name                             string
		Generation, First, Query, Loaded int32
	}
	rows, err := pool.Query(t.Context(), `
		SELECT v.view_name, v.generation, v.first_generation, v.query_generation, s.loaded
		FROM redcache.view v JOIN redcache.state s ON s.view_id = v.id ORDER BY v.view_name`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[numbers])
	want := []numbers{{"keyed", 3, 3, 2, 2}, {"keyless", 2, 2, 2, 2}, {"swapped", 7, 7, 7, 7}, {"waiting", 3, 3, 3, 2}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}
