package migrate

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

// older are views of version 3: with every strategy, and changes in every state between asked for and seen.
const older = `
	WITH view AS (
	    INSERT INTO redcache.view (link_id, generation, schema_name, view_name, query, columns, strategy, key, watermark, lookback,
	        safety_lag, reconcile_every, refresh_every, max_age, timeout, indexes, grantees, nul_bytes, transport, group_name,
	        allow_shrink, skip_unchanged, split, sessions)
	    SELECT l.id, d.generation, 'bi', d.name, 'SELECT ''' || d.name || ''' AS id', '[{"name": "id", "type": "bigint"}]', d.strategy,
	        '{id,"a b"}', d.watermark, d.lookback, d.lag, '1 day', '90 s', '36 hours', '1 day 1 hour', '{"a, b DESC"}', '{app,"A \"b"}',
	        'trust', 'stream', 'g', 7, 'content', 'id', 3
	    FROM redcache.link l, (VALUES
	        ('nonconcurrent', 2, 'nonconcurrent', '', '', interval '0'), ('concurrent', 2, 'concurrent', '', '', '0'),
	        ('incremental', 2, 'incremental', 'id', '10m', '1.25 s'), ('merge', 2, 'merge', '', '10m', '0'),
	        ('auto', 2, 'auto', '', '', '0'), ('swap', 2, 'swap', '', '', '0'),
	        ('unpublished', 3, 'swap', '', '', '0'), ('both', 4, 'swap', '', '', '0'),
	        ('asked', 3, 'swap', '', '', '0'), ('new', 1, 'swap', '', '', '0')
	    ) d (name, generation, strategy, watermark, lookback, lag)
	    RETURNING id, view_name
	), run AS (
	    INSERT INTO redcache.run (view_id, generation, strategy, state, origin, finished_at, as_of)
	    SELECT id, 3, 'swap', 'succeeded', 'cli', now(), '2026-02-02 00:00:00+00' FROM view
	), mark AS (
	    INSERT INTO redcache.watermark (view_id, value) SELECT id, '17' FROM view WHERE view_name = 'incremental'
	)
	INSERT INTO redcache.state (view_id, generation, loaded, row_count, as_of, reconciled_at, failures, next_due, modified, content)
	SELECT v.id, d.seen, d.loaded, 100, CASE WHEN d.seen IS NOT NULL THEN timestamptz '2026-01-01 00:00:00+00' END,
	    '2026-01-01 00:00:00+00', 2, '2026-03-03 00:00:00+00', 'm', 'c'
	FROM view v
	CROSS JOIN LATERAL (
	    SELECT CASE v.view_name WHEN 'new' THEN NULL ELSE 2 END AS seen,
	           CASE v.view_name WHEN 'new' THEN NULL WHEN 'unpublished' THEN 3 WHEN 'both' THEN 3 ELSE 2 END AS loaded
	) d`

// What people have said of a view, and what is true of its copy, is the same after the migration.
func TestUp_CarriesDefinitionsAndStatesOver(t *testing.T) {
	t.Parallel()
	_, pool := version3(t)
	do(t, pool, older)
	do(t, pool, `DO $$ BEGIN
		FOR n IN 1..10 LOOP EXECUTE format('CREATE TABLE redcache_data.v%s_g2 (id bigint)', n); END LOOP;
	END $$`)
	upToDate(t, pool)
	want := catalog.Defaults()
	want.LinkName, want.NulBytes, want.Transport, want.SkipUnchanged = "dw", catalog.TrustNul, catalog.StreamTransport, catalog.SkipContent
	want.Split, want.Sessions, want.Key, want.Indexes, want.Grantees = "id", 3, []string{"id", "a b"}, []string{"a, b DESC"}, []string{"app", `A "b`}
	want.ReconcileEvery, want.RefreshEvery, want.MaxAge = 24*time.Hour, 90*time.Second, 36*time.Hour
	want.Timeout, want.Group, want.AllowShrink = 25*time.Hour, "g", 7
	members, err := catalog.In(pool).Members(t.Context(), catalog.Name{Schema: "bi", View: "new"})
	if err != nil || len(members) != 10 {
		t.Fatalf("%d views, %v", len(members), err)
	}
	for _, m := range members {
		name, is := m.View.Name.View, want
		is.Query, is.Strategy = "SELECT '"+name+"' AS id", m.View.Strategy
		if m.View.Strategy == catalog.Incremental {
			is.Watermark, is.Lookback, is.SafetyLag = "id", "10m", 1250*time.Millisecond
		}
		if diff := cmp.Diff(is, m.View.Definition); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if !m.View.Definition.Equal(is) || m.View.Definition.Hash() != is.Hash() {
			t.Errorf("%s is not what it was", name)
		}
		local := ""
		if m.View.Generation == 2 { // its relation is there
			local = "bigint"
		}
		if diff := cmp.Diff([]catalog.Column{{Name: "id", Type: "bigint", Local: local}}, m.View.Columns); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		wantState(t, m)
	}
}

func wantState(t *testing.T, m catalog.Member) {
	t.Helper()
	name, s := m.View.Name.View, m.State
	number := func(n *int32) int32 {
		if n == nil {
			return 0
		}
		return *n
	}
	var seen, loaded int32 = 2, 2
	switch name {
	case "new":
		seen, loaded = 0, 0
	case "unpublished", "both":
		loaded = 3
	}
	if number(s.Generation) != seen || number(s.Loaded) != loaded || s.Failures != 2 || s.NextDue == nil {
		t.Errorf("%s: seen %d, loaded %d, %d failures, due %v", name, number(s.Generation), number(s.Loaded), s.Failures, s.NextDue)
	}
	if loaded == 0 {
		return
	}
	if s.AsOf.UTC().Month() != time.January || *s.RowCount != 100 || *s.Modified != "m" || *s.Content != "c" || s.ReconciledAt == nil {
		t.Errorf("%s: %+v", name, s)
	}
	if (s.Watermark != nil) != (name == "incremental") || s.Watermark != nil && *s.Watermark != "17" {
		t.Errorf("%s: watermark %v", name, s.Watermark)
	}
	// What readers see of a view that asks for another one is of a definition that nobody knows any more, and nothing of it
	// may be merged into, nor held against the new rows.
	unknown := m.View.Generation != 2
	if s.SeenBy.Rebuilds(m.View.Built()) != unknown {
		t.Errorf("%s: what readers see is built by %+v", name, s.SeenBy)
	}
}

// A migration that ends at any of its statements leaves the catalog as it was, and the next one does it all.
func TestUp_InterruptedAnywhere(t *testing.T) {
	t.Parallel()
	db, pool := version3(t)
	do(t, pool, older)
	admin := db.AdminPool(t)
	pending, err := Pending(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	before := text(t, pool, sameRows)
	statements := 0
	for _, m := range pending {
		for n := range splitStatements(m.SQL) {
			statements++
			conn, err := pool.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			err = infra.InTx(t.Context(), conn, infra.Limits{}, func(tx pgx.Tx) error {
				for _, earlier := range pending {
					if earlier.Version < m.Version {
						if err := apply(t.Context(), tx, earlier, false); err != nil {
							return err
						}
					}
				}
				for _, statement := range splitStatements(m.SQL)[:n+1] {
					if _, err := tx.Exec(t.Context(), statement); err != nil {
						return err
					}
				}
				_, err := admin.Exec(t.Context(), `SELECT pg_terminate_backend($1)`, tx.Conn().PgConn().PID())
				return err
			})
			conn.Release()
			if pg, ok := errors.AsType[*pgconn.PgError](err); err == nil || ok && pg.Code != "57P01" {
				t.Fatalf("statement %d of %s: %v", n+1, m.Name, err)
			}
			if got := text(t, pool, sameRows); got != before {
				t.Fatalf("after statement %d of %s: %s, was %s", n+1, m.Name, got, before)
			}
		}
	}
	if statements < 20 {
		t.Errorf("%d statements, which proves little", statements)
	}
	upToDate(t, pool)
}

const sameRows = `
	SELECT (SELECT md5(string_agg(v::text, ';' ORDER BY v.id)) FROM redcache.view v)
	    || (SELECT md5(string_agg(s::text, ';' ORDER BY s.view_id)) FROM redcache.state s)
	    || (SELECT max(version_id) FROM redcache.schema_version)
	    || (SELECT md5(string_agg(concat(c.oid, c.relname, c.relkind, c.relacl, a.attname, a.attisdropped), ';' ORDER BY c.oid, a.attnum))
	        FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid
	        WHERE c.relnamespace IN ('redcache'::regnamespace, 'redcache_data'::regnamespace))
	    || (SELECT md5(string_agg(pg_get_viewdef(c.oid), ';' ORDER BY c.oid)) FROM pg_class c
	        WHERE c.relnamespace = 'redcache'::regnamespace AND c.relkind = 'v')`

// splitStatements splits a migration where a line ends with a semicolon, which is how they are written.
func splitStatements(text string) (statements []string) {
	for _, statement := range strings.Split(text, ";\n") {
		if strings.TrimSpace(statement) != "" {
			statements = append(statements, statement)
		}
	}
	return statements
}

// A time that is none would keep those of all views from being read. What an older catalog has of them is put right, and a
// new one takes none.
func TestUp_TimesAreFinite(t *testing.T) {
	t.Parallel()
	_, pool := version3(t)
	do(t, pool, older)
	do(t, pool, `UPDATE redcache.state SET next_due = '-infinity' WHERE view_id = 1; UPDATE redcache.state SET queued_until = 'infinity' WHERE view_id = 2`)
	upToDate(t, pool)
	views, err := catalog.In(pool).Views(t.Context())
	if err != nil || len(views) != 10 {
		t.Errorf("%d views, %v", len(views), err)
	}
	for _, set := range []string{"next_due = 'infinity'", "queued_until = '-infinity'"} {
		_, err := pool.Exec(t.Context(), "UPDATE redcache.state SET "+set)
		if refused, ok := errors.AsType[*pgconn.PgError](err); !ok || refused.ConstraintName != "state_times_are_finite" {
			t.Errorf("%s: %v", set, err)
		}
	}
}
