package refresh_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// generation is the number of the relation that readers see.
func (b *bundle) generation(t *testing.T) (n int) {
	t.Helper()
	if err := b.pool.QueryRow(t.Context(), `SELECT generation FROM redcache.copy`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// do runs a statement in the cache.
func (b *bundle) do(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := b.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func TestSwap_TheViewStaysWhatItWas(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	role := b.app(t)
	v := b.batchView("item", catalog.Swap, catalog.AutoTransport)
	b.add(t, v)
	for _, statement := range []string{
		"GRANT SELECT ON bi.item TO " + role + " WITH GRANT OPTION",
		"GRANT SELECT (id) ON bi.item TO PUBLIC",
		"COMMENT ON VIEW bi.item IS 'it''s ours'",
		"COMMENT ON COLUMN bi.item.note IS 'a note'",
		"ALTER VIEW bi.item ALTER COLUMN note SET DEFAULT 'none'",
		"CREATE VIEW bi.report AS SELECT batch, count(*) FROM bi.item GROUP BY batch",
		"CREATE MATERIALIZED VIEW bi.kept AS SELECT * FROM bi.item",
		"CREATE FUNCTION bi.latest() RETURNS integer LANGUAGE sql STABLE BEGIN ATOMIC SELECT max(batch) FROM bi.item; END",
	} {
		b.do(t, statement)
	}
	identity := func() []string {
		return rows(t, b.pool, `
			SELECT c.oid, c.relowner, c.relacl, c.reloptions, obj_description(c.oid, 'pg_class'), a.attname, a.attacl,
			       col_description(c.oid, a.attnum), (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = c.oid AND adnum = a.attnum)
			FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
			WHERE c.oid = 'bi.item'::regclass`)
	}
	before, first := identity(), b.generation(t)
	for n, transport := range []catalog.Transport{catalog.StreamTransport, catalog.DblinkTransport, catalog.StreamTransport} {
		if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Transport = transport }); err != nil {
			t.Fatal(err)
		}
		b.nextBatch(t, n+1)
		run := b.refresh(t, refresh.Request{View: v.Name})
		if *run.Transport != transport || run.Strategy != catalog.Swap || int(run.Generation) != first+n+1 {
			t.Errorf("generation %d by %s, %s", run.Generation, run.Strategy, *run.Transport)
		}
		b.wantEqual(t, v)
		if got := identity(); !slices.Equal(got, before) {
			t.Errorf("the view is\n%s\nit was\n%s", strings.Join(got, "\n"), strings.Join(before, "\n"))
		}
		want := []string{fmt.Sprintf(`"%d" "200" "%[1]d" `, n+1)}
		if got := rows(t, b.pool, "SELECT batch, count, bi.latest() FROM bi.report"); !slices.Equal(got, want) {
			t.Errorf("what depends on the view sees %s, want %s", got, want)
		}
	}
	b.wantNothingLeft(t)
}

func TestSwap_ANewGenerationHasAllThatTheOldOneHad(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, transport catalog.Transport) {
		b := setup(t, batchSQL...)
		v := b.batchView("item", catalog.Swap, transport)
		v.Indexes = []string{"batch, id DESC", "lower(note)", "USING hash (note)"}
		b.add(t, v)
		b.refresh(t, refresh.Request{View: v.Name})
		relation := fmt.Sprintf("'redcache_data.v1_g%d'::regclass", b.generation(t))
		got := rows(t, b.pool, `
			SELECT indisunique, indisvalid AND indisready AND indislive, pg_get_indexdef(indexrelid, 1, true)
			FROM pg_index WHERE indrelid = `+relation)
		want := []string{`"f" "t" "batch" `, `"f" "t" "lower(note)" `, `"f" "t" "note" `, `"t" "t" "id" `}
		if !slices.Equal(got, want) {
			t.Errorf("got indexes %s, want %s", got, want)
		}
		if n := len(rows(t, b.pool, `SELECT FROM pg_stats WHERE format('%I.%I', schemaname, tablename)::regclass = `+relation)); n != 3 {
			t.Errorf("%d columns have statistics", n)
		}
		var pages, visible, tuples int
		err := b.pool.QueryRow(t.Context(), `SELECT relpages, relallvisible, reltuples::int FROM pg_class WHERE oid = `+relation).
			Scan(&pages, &visible, &tuples)
		if err != nil || pages == 0 || tuples != 200 {
			t.Errorf("%d pages, %d rows, %v", pages, tuples, err)
		}
		if transport == catalog.StreamTransport && visible != pages { // servers before 14 set none
			t.Errorf("%d of %d pages are known to be visible, so index-only scans would visit the others", visible, pages)
		}
	})
}

func TestSwap_AGenerationInUseIsDroppedByALaterRun(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Swap, catalog.StreamTransport)
	// As pg_dump does, for as long as it runs: it locks tables, not views.
	holder := b.begun(t, "LOCK TABLE redcache_data.v1_g1 IN ACCESS SHARE MODE")
	tables := func() []string {
		return rows(t, b.pool, `SELECT relname FROM pg_class WHERE relnamespace = 'redcache_data'::regnamespace AND relkind = 'r'`)
	}
	for batch := 1; batch <= 3; batch++ {
		b.nextBatch(t, batch)
		run := b.refresh(t, refresh.Request{View: v.Name})
		b.wantBatch(t, v, batch)
		if run.Strategy != catalog.Swap || run.Waited != nil {
			t.Errorf("strategy %s, waited %v: who reads an old generation is in nobody's way", run.Strategy, run.Waited)
		}
	}
	if got, want := tables(), []string{`"v1_g1" `, `"v1_g4" `}; !slices.Equal(got, want) {
		t.Errorf("got generations %s, want %s: one that is in use keeps no others", got, want)
	}
	leave(t, holder)
	b.refresh(t, refresh.Request{View: v.Name})
	if got, want := tables(), []string{`"v1_g5" `}; !slices.Equal(got, want) {
		t.Errorf("got generations %s, want %s", got, want)
	}
	b.wantNothingLeft(t)
}
