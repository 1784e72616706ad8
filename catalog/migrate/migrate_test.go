package migrate

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// version3 is a catalog of that version, with a link, and its owner's pool.
func version3(t *testing.T) (*pgtest.Database, *pgxpool.Pool) {
	t.Helper()
	return ofVersion(t, 3)
}

// ofVersion is a catalog of a version that can have what one of version 3 can have, with a link, and its owner's pool.
func ofVersion(t *testing.T, version int64) (*pgtest.Database, *pgxpool.Pool) {
	t.Helper()
	db := pgtest.New(t)
	pool := db.Pool(t)
	err := infra.InTx(t.Context(), pool, infra.Limits{}, func(tx pgx.Tx) error {
		_, err := up(t.Context(), tx, version)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	do(t, pool, `INSERT INTO redcache.link (name, host, hostaddr, port, database, username, sslmode, max_concurrency)
		VALUES ('dw', 'h', '', 5439, 'd', 'u', 'require', 4)`)
	return db, pool
}

// addViews adds views of version 3: rows of name, generation, loaded generation, strategy and key.
func addViews(t *testing.T, pool *pgxpool.Pool, views string) {
	t.Helper()
	do(t, pool, `
		WITH d (name, generation, loaded, strategy, key) AS (VALUES `+views+`), added AS (
		    INSERT INTO redcache.view (link_id, generation, schema_name, view_name, query, columns, strategy, key, watermark,
		        lookback, safety_lag, reconcile_every, refresh_every, max_age, timeout, indexes, grantees, nul_bytes)
		    SELECT l.id, d.generation, 'bi', d.name, 'SELECT 1 AS id', '[]', d.strategy, d.key, '', '', '0', '0', '1h', '0', '1h', '{}', '{}', 'strip'
		    FROM redcache.link l, d
		    RETURNING id, view_name
		)
		INSERT INTO redcache.state (view_id, generation, loaded, row_count)
		SELECT a.id, d.loaded, d.loaded, 100 FROM added a JOIN d ON d.name = a.view_name`)
}

func upToDate(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	if applied, err := Up(t.Context(), pool); err != nil || len(applied) == 0 {
		t.Fatalf("%d migrations, %v", len(applied), err)
	}
}

func do(t *testing.T, pool *pgxpool.Pool, statement string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func text(t *testing.T, pool *pgxpool.Pool, query string) (value string) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), query).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

// Views of version 3 keep their rows and their numbers; those whose relations lack something are built anew.
func TestUp_FromVersion3(t *testing.T) {
	t.Parallel()
	_, pool := version3(t)
	addViews(t, pool, `('blocking', 2, 2, 'nonconcurrent', '{id}'::text[]), ('keyed', 2, 2, 'concurrent', '{id}'),
		('waiting', 3, 2, 'concurrent', '{id}'), ('keyless', 2, 2, 'nonconcurrent', '{}'), ('swapped', 7, 7, 'swap', '{id}')`)
	upToDate(t, pool)
	const carried = `
		SELECT string_agg(n.line, '; ' ORDER BY n.line)
		FROM (
		    SELECT format('%s asks for %s: %s', v.view_name, v.generation, string_agg(format('%s %s %s of query %s', g.number, g.state,
		               g.definition ->> 'strategy', g.definition #>> '{source,query}'), ', ' ORDER BY g.number)) AS line
		    FROM redcache.view v JOIN redcache.generation g ON g.view_id = v.id GROUP BY v.id
		) n`
	want := strings.Join([]string{
		"blocking asks for 3: 2 published  of query SELECT 1 AS id, 3 building nonconcurrent of query SELECT 1 AS id",
		"keyed asks for 3: 2 published  of query SELECT 1 AS id, 3 building concurrent of query SELECT 1 AS id",
		"keyless asks for 2: 2 published nonconcurrent of query SELECT 1 AS id",
		"swapped asks for 7: 7 published swap of query SELECT 1 AS id",
		"waiting asks for 3: 2 published  of query , 3 building concurrent of query SELECT 1 AS id",
	}, "; ")
	if got := text(t, pool, carried); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// Everybody's rights on tables of an older catalog end, as these have values of rows. A role's own stay.
func TestUp_TakesFromEverybodyWhatAnOlderCatalogGave(t *testing.T) {
	t.Parallel()
	_, pool := version3(t)
	do(t, pool, `GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA redcache TO PUBLIC`)
	do(t, pool, `GRANT SELECT ON redcache.freshness TO redcache_reader`)
	upToDate(t, pool)
	const granted = `
		SELECT coalesce(string_agg(c.relname || ' ' || a.privilege_type || ' ' || a.grantee::regrole, ', ' ORDER BY c.relname), '')
		FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = 'redcache'::regnamespace AND a.grantee <> c.relowner`
	if got := text(t, pool, granted); got != "freshness SELECT redcache_reader" {
		t.Errorf("others than the owner have %s", got)
	}
}

// A run of an older version has no error for all: others are told that it failed, and the owner why.
func TestUp_KeepsOlderErrorsToTheOwner(t *testing.T) {
	t.Parallel()
	db, pool := version3(t)
	addViews(t, pool, `('failed', 1, 1, 'swap', '{id}'::text[]), ('good', 1, 1, 'swap', '{id}')`)
	do(t, pool, `
		WITH ended AS (
		    INSERT INTO redcache.run (view_id, generation, strategy, state, origin, finished_at, error)
		    SELECT id, 1, 'swap', CASE view_name WHEN 'good' THEN 'succeeded' ELSE 'failed' END, 'cli', now(),
		           CASE view_name WHEN 'failed' THEN 'ssn = 111-22-3333' END
		    FROM redcache.view RETURNING id, view_id
		)
		UPDATE redcache.state s SET last_run_id = e.id FROM ended e WHERE e.view_id = s.view_id`)
	upToDate(t, pool)
	do(t, pool, `CREATE SCHEMA bi; CREATE VIEW bi.failed AS SELECT 1; CREATE VIEW bi.good AS SELECT 1;
		GRANT USAGE ON SCHEMA bi, redcache TO redcache_reader; GRANT SELECT ON ALL TABLES IN SCHEMA bi, redcache TO redcache_reader`)
	const told = `SELECT string_agg(view || ' ' || coalesce(last_error, 'none'), ', ' ORDER BY view) FROM redcache.freshness`
	if got := text(t, pool, told); got != "bi.failed ssn = 111-22-3333, bi.good none" {
		t.Errorf("the owner is told %s", got)
	}
	if got := text(t, db.ReaderPool(t), told); got != "bi.failed it failed, bi.good none" {
		t.Errorf("a reader is told %s", got)
	}
}

// A value that would keep all definitions from being read is not stored.
func TestUp_RefusesWhatCouldNotBeRead(t *testing.T) {
	t.Parallel()
	_, pool := version3(t)
	addViews(t, pool, `('one', 1, 1, 'swap', '{id}'::text[])`)
	upToDate(t, pool)
	for statement, constraint := range map[string]string{
		`UPDATE redcache.generation SET definition = definition || '{"key": ["id", null]}'`:         "generation_lists_have_no_nulls",
		`UPDATE redcache.generation SET definition = definition || '{"indexes": [null]}'`:           "generation_lists_have_no_nulls",
		`UPDATE redcache.generation SET definition = definition || '{"grantees": [null, "app"]}'`:   "generation_lists_have_no_nulls",
		`UPDATE redcache.state SET published = '[]'`:                                                "state_published_is_an_object",
		`UPDATE redcache.state SET published = 'null'`:                                              "state_published_is_an_object",
		`UPDATE redcache.state SET published = '"a"'`:                                               "state_published_is_an_object",
		`UPDATE redcache.state SET published = '{}'`:                                                "",
		`UPDATE redcache.state SET published = NULL`:                                                "",
		`UPDATE redcache.generation SET definition = definition || '{"key": [], "indexes": ["a"]}'`: "",
	} {
		_, err := pool.Exec(t.Context(), statement)
		got := ""
		if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
			got = refused.ConstraintName
		}
		if got != constraint {
			t.Errorf("%s: refused by %q, %v; want %q", statement, got, err, constraint)
		}
	}
}
