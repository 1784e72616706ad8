package infra_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

// effect is what a setting changes: a statement, and what it comes to under the pins. An SQLSTATE stands for an error.
type effect struct{ hostile, sql, want string }

// effects has one of each setting that is pinned. They are written down here once more, so that a pin that is taken away,
// or has another value, is noticed by what it is for.
var effects = map[string]effect{
	"search_path":                      {"evil, pg_catalog", `SELECT upper('a')`, "A"},
	"client_encoding":                  {"LATIN1", `SELECT length('é')::text`, "1"},
	"DateStyle":                        {"SQL, DMY", `SELECT '01/02/2024'::date::text`, "2024-01-02"},
	"IntervalStyle":                    {"sql_standard", `SELECT '-1 day 02:00'::interval::text`, "-1 days +02:00:00"},
	"TimeZone":                         {"Asia/Kolkata", `SELECT '2024-01-01'::timestamptz::text`, "2024-01-01 00:00:00+00"},
	"timezone_abbreviations":           {"Australia", `SELECT extract(epoch FROM '1970-01-01 00:00 EST'::timestamptz)::integer::text`, "18000"},
	"extra_float_digits":               {"-15", `SELECT (1 / 3.0::float8)::text`, "0.3333333333333333"},
	"bytea_output":                     {"escape", `SELECT decode('00ff', 'hex')::text`, `\x00ff`},
	"array_nulls":                      {"off", `SELECT array_to_string('{NULL}'::text[], ',', 'none')`, "none"},
	"standard_conforming_strings":      {"off", `SELECT length('a\b')::text`, "3"},
	"backslash_quote":                  {"off", `SELECT E'it\'s'`, "it's"},
	"transform_null_equals":            {"on", `SELECT (1 = NULL IS NULL)::text`, "true"},
	"quote_all_identifiers":            {"on", `SELECT quote_ident('a')`, "a"},
	"row_security":                     {"off", `SELECT count(*)::text FROM public.guarded`, "1"},
	"restrict_nonsystem_relation_kind": {"view", `SELECT 'read' FROM public.shown`, "read"},
	"exit_on_error":                    {"on", `SELECT 1 / 0`, "22012, and goes on"},
	"client_min_messages":              {"notice", `DO $$ BEGIN RAISE NOTICE 'loud'; END $$`, "silent"},
	"jit":                              {"on", `SELECT public.compiled()`, "interpreted"},
	"enable_seqscan":                   {"off", planned("SELECT FROM public.many WHERE n = 1"), "as it would"},
	"enable_indexscan":                 {"off", planned("SELECT n FROM public.many WHERE i = 1", "seqscan", "bitmapscan"), "as it would"},
	"enable_bitmapscan":                {"off", planned("SELECT n FROM public.many WHERE i = 1", "seqscan", "indexscan"), "as it would"},
	"enable_sort":                      {"off", planned("SELECT FROM public.many ORDER BY n"), "as it would"},
	"enable_hashagg":                   {"off", planned("SELECT n FROM public.many GROUP BY n", "sort"), "as it would"},
	"enable_hashjoin":                  {"off", planned("SELECT FROM public.many a JOIN public.many b ON a.n = b.n", "mergejoin", "nestloop"), "as it would"},
	"enable_mergejoin":                 {"off", planned("SELECT FROM public.many a JOIN public.many b ON a.n = b.n", "hashjoin", "nestloop"), "as it would"},
	"enable_nestloop":                  {"off", planned("SELECT FROM public.many a JOIN public.many b ON a.n < b.n"), "as it would"},
	"vacuum_cost_delay":                {"100", `SELECT current_setting('vacuum_cost_delay')`, "0"},
	"transaction_timeout":              {"50ms", `SELECT 'slept' FROM pg_sleep(0.2)`, "slept"},
}

// planned asks whether the planner plans a statement with what the session lets it have, beside some ways that it is not to take
// at any rate.
func planned(statement string, without ...string) string {
	return fmt.Sprintf("SELECT public.planned('%s', '{%s}')", statement, strings.Join(without, ","))
}

// What each pin is for holds in every transaction of ours, and would not without it.
func TestPins_HoldWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	for _, p := range infra.Pins() {
		if _, found := effects[p.Name]; !found {
			t.Errorf("%s is pinned, and nothing shows what for", p.Name)
		}
	}
	db := pgtest.New(t)
	setup := `CREATE SCHEMA evil; CREATE FUNCTION evil.upper(text) RETURNS text LANGUAGE sql AS 'SELECT ''evil''::text';
		CREATE TABLE public.guarded AS SELECT i FROM generate_series(1, 2) i; ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY;
		ALTER TABLE public.guarded FORCE ROW LEVEL SECURITY; CREATE POLICY one ON public.guarded USING (i = 1);
		CREATE VIEW public.shown AS SELECT 1 AS i;
		CREATE FUNCTION public.compiled() RETURNS text LANGUAGE plpgsql SET jit_above_cost = 0 AS $$
			DECLARE line text;
			BEGIN
				FOR line IN EXECUTE 'EXPLAIN (ANALYZE) SELECT sum(i) FROM public.guarded' LOOP
					IF line LIKE 'JIT:%' THEN RETURN 'compiled'; END IF;
				END LOOP;
				RETURN 'interpreted';
			END $$;
		CREATE TABLE public.many AS SELECT i, i AS n FROM generate_series(1, 10000) i;
		CREATE INDEX ON public.many (i);
		ANALYZE public.many;
		CREATE FUNCTION public.planned(statement text, without text[]) RETURNS text LANGUAGE plpgsql AS $$
			DECLARE way text; line text; reluctant boolean := false;
			BEGIN
				FOREACH way IN ARRAY without LOOP PERFORM set_config('enable_' || way, 'off', true); END LOOP;
				FOR line IN EXECUTE 'EXPLAIN ' || statement LOOP
					reluctant := reluctant OR line LIKE '%Disabled: true%' OR line ~ 'cost=\d{10}'; -- the latter before version 18
				END LOOP;
				RETURN CASE WHEN reluctant THEN 'reluctantly' ELSE 'as it would' END;
			END $$`
	if err := asOwner(t, db, setup); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(effects)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := effects[name]
			conn, said := listening(t, db)
			if !known(t, conn, name) {
				return // a newer server has it, or one with a compiler
			}
			set := func() { // a session that the server has ended cannot be asked again
				if _, err := conn.Exec(t.Context(), `SELECT pg_catalog.set_config($1, $2, false)`, name, e.hostile); err != nil {
					t.Fatal(err)
				}
			}
			set()
			if bare := e.outcome(t.Context(), conn, said); bare == e.want {
				t.Errorf("it comes to %q without a pin, too", bare)
			}
			if conn.IsClosed() {
				conn, said = listening(t, db)
				set()
			}
			var got string
			err := infra.InTx(t.Context(), conn, infra.Limits{}, func(tx pgx.Tx) error {
				got = e.outcome(t.Context(), tx, said)
				return nil
			})
			if err != nil || got != e.want {
				t.Errorf("it comes to %q (%v), want %q", got, err, e.want)
			}
		})
	}
}

// listening opens a session, and returns whether the server has said something since it was asked last.
func listening(t *testing.T, db *pgtest.Database) (conn *pgx.Conn, said func() bool) {
	t.Helper()
	config, err := pgx.ParseConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	spoken := false
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { spoken = spoken || n.Message == "loud" }
	if conn, err = pgx.ConnectConfig(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn, func() bool {
		now := spoken
		spoken = false
		return now
	}
}

func known(t *testing.T, conn *pgx.Conn, setting string) (known bool) {
	t.Helper()
	err := conn.QueryRow(t.Context(), `
		SELECT pg_catalog.current_setting($1, true) IS NOT NULL AND ($1 <> 'jit' OR pg_catalog.pg_jit_available())`, setting).Scan(&known)
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// outcome runs the statement, in a savepoint or a transaction, and says in a word what came of it.
func (e effect) outcome(ctx context.Context, db interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}, said func() bool,
) (what string) {
	tx, err := db.Begin(ctx)
	if err != nil {
		return err.Error()
	}
	err = tx.QueryRow(ctx, e.sql, pgx.QueryExecModeSimpleProtocol).Scan(&what)
	after := tx.Rollback(ctx)
	refused, failed := errors.AsType[*pgconn.PgError](err)
	switch {
	case failed && after == nil:
		return refused.Code + ", and goes on"
	case failed:
		return refused.Code + ", and ends"
	case said():
		return "loud"
	case errors.Is(err, pgx.ErrNoRows):
		return "silent"
	case err != nil:
		return err.Error()
	}
	return what
}
