package refresh_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/refresh"
)

// meddling is what somebody does to a cached view behind the program's back. In its statements, @view is the view,
// @gen its generation, and @app the role of an application.
type meddling struct {
	name string
	do   string // as the owner of the cache
	sudo string // as a superuser
	// named is what the next refresh says when it cannot make up for it; empty: it does.
	named string
	undo  string // as a superuser, after a refresh that could not
}

var meddlings = []meddling{
	{name: "view dropped", do: `DROP VIEW @view`},
	{name: "schema dropped", do: `DROP SCHEMA bi CASCADE`},
	{name: "view renamed", do: `ALTER VIEW @view RENAME TO elsewhere`},
	{name: "view moved", do: `CREATE SCHEMA attic; ALTER VIEW @view SET SCHEMA attic`},
	{name: "schema renamed", do: `ALTER SCHEMA bi RENAME TO bi_old`},
	{
		name: "view given away", sudo: `ALTER VIEW @view OWNER TO postgres`, named: "belongs to postgres",
		undo: `ALTER VIEW @view OWNER TO redcache_owner`,
	},
	{
		name: "another relation under the name", do: `DROP VIEW @view; CREATE TABLE @view (x int)`,
		named: "its name belongs to a table of redcache_owner", undo: `DROP TABLE @view`,
	},
	{
		name: "view asks something else", do: `DO $$ BEGIN EXECUTE (SELECT 'CREATE OR REPLACE VIEW @view AS SELECT ' ||
			string_agg(format('NULL::%s AS %I', format_type(atttypid, atttypmod), attname), ', ' ORDER BY attnum)
			FROM pg_attribute WHERE attrelid = '@view'::regclass AND attnum > 0); END $$`,
		named: "somebody has changed its query", undo: `DROP VIEW @view`,
	},
	{name: "generation renamed", do: `ALTER TABLE @gen RENAME TO elsewhere`},
	{name: "generation moved", do: `CREATE SCHEMA cellar; ALTER TABLE @gen SET SCHEMA cellar`},
	{name: "generation dropped", do: `DO $$ BEGIN EXECUTE (SELECT format('DROP %s @gen CASCADE',
		CASE relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END) FROM pg_class WHERE oid = '@gen'::regclass); END $$`},
	{name: "generation given away", sudo: `ALTER TABLE @gen OWNER TO postgres`},
	{name: "generation emptied", do: `DO $$ BEGIN EXECUTE (SELECT CASE relkind WHEN 'm' THEN 'REFRESH MATERIALIZED VIEW @gen WITH NO DATA'
		ELSE 'TRUNCATE @gen' END FROM pg_class WHERE oid = '@gen'::regclass); END $$`},
	{name: "column of the generation dropped", do: `DO $$ BEGIN IF (SELECT relkind = 'r' FROM pg_class WHERE oid = '@gen'::regclass)
		THEN ALTER TABLE @gen DROP COLUMN note CASCADE; END IF; END $$`},
	{name: "index of the key dropped", do: `DO $$ BEGIN EXECUTE 'DROP INDEX @gen_key'; EXCEPTION WHEN undefined_object THEN NULL; END $$`},
	{name: "state deleted", do: `DELETE FROM redcache.state`},
	{name: "generation UNLOGGED", do: `DO $$ BEGIN IF (SELECT relkind = 'r' FROM pg_class WHERE oid = '@gen'::regclass)
		THEN ALTER TABLE @gen SET UNLOGGED; END IF; END $$`},
	{name: "rows of a child", do: `DO $$ BEGIN IF (SELECT relkind = 'r' FROM pg_class WHERE oid = '@gen'::regclass)
		THEN CREATE TABLE public.child () INHERITS (@gen); INSERT INTO public.child (id, amount) VALUES (-1, -1); END IF; END $$`},
	{name: "the child dropped", do: `DROP TABLE IF EXISTS public.child`},
	{name: "type of a column changed", do: `DO $$ BEGIN IF (SELECT relkind = 'r' FROM pg_class WHERE oid = '@gen'::regclass)
		THEN DROP VIEW @view; ALTER TABLE @gen ALTER COLUMN amount TYPE text; END IF; END $$`},
	{name: "a column more", do: `DO $$ BEGIN IF (SELECT relkind = 'r' FROM pg_class WHERE oid = '@gen'::regclass)
		THEN ALTER TABLE @gen ADD COLUMN more integer DEFAULT 7; END IF; END $$`},
	{name: "rights of the owner revoked", do: `REVOKE ALL ON @gen FROM redcache_owner`},
	{name: "everything published", sudo: `CREATE PUBLICATION everything FOR ALL TABLES`},
}

// TestOthers_WhatTheyDoToAViewIsMendedOrNamed has every strategy meet what others do to what stands above and below it:
// the next refresh makes up for it, with the grants, or says what is wrong here; the definition can be changed meanwhile;
// and in the end the view can be dropped.
func TestOthers_WhatTheyDoToAViewIsMendedOrNamed(t *testing.T) {
	t.Parallel()
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			app := b.app(t)
			v := b.salesView(strategy)
			v.Grantees = []string{app}
			b.add(t, v)
			b.exec(t, `GRANT SELECT (id), UPDATE (note) ON `+v.Name.SQL()+` TO PUBLIC; COMMENT ON VIEW `+v.Name.SQL()+` IS 'ours'`)
			b.refresh(t, refresh.Request{View: v.Name}) // which sees that
			reader := pgtest.OpenPool(t, b.cache.Cluster.URL(b.cache.Name, app, "app"))
			for _, m := range meddlings {
				b.meddle(t, v, m, app, reader)
			}
			if err := b.definer.Drop(t.Context(), v.Name); err != nil {
				t.Errorf("drop: %v\nhint: %s", err, infra.Hint(err))
			}
		})
	}
}

func (b *bundle) meddle(t *testing.T, v catalog.View, m meddling, app string, reader *pgxpool.Pool) {
	t.Helper()
	state := rows(t, b.pool, `SELECT 'v' || view_id || '_g' || generation FROM redcache.copy`)
	generation := strings.Trim(state[0], `" `)
	fill := strings.NewReplacer("@view", v.Name.SQL(), "@gen", "redcache_data."+generation, "@app", app)
	before := b.dressed(t, v)
	b.exec(t, fill.Replace(m.do))
	b.sudo(t, fill.Replace(m.sudo))
	if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.AllowShrink++ }); err != nil {
		t.Errorf("%s: alter: %v\nhint: %s", m.name, err, infra.Hint(err))
	}
	b.change(t, `UPDATE public.sales SET amount = amount + 1, updated_at = now() WHERE id % 10 = 0;
		DELETE FROM public.sales WHERE id = (SELECT max(id) FROM public.sales)`)
	b.change(t, `INSERT INTO public.sales SELECT max(id) + 2, 'new', 1, NULL, now() FROM public.sales`)
	run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name, Whole: m.name != "generation emptied"})
	if m.named != "" {
		want := fill.Replace(m.named)
		if err == nil || !strings.Contains(err.Error(), want) || infra.Hint(err) == "" || strings.Contains(err.Error(), "Redshift") ||
			strings.Contains(err.Error(), "link") {
			t.Errorf("%s: got %s, %v, hint %q; want it to say %q", m.name, run.State, err, infra.Hint(err), want)
		}
		b.sudo(t, fill.Replace(m.undo))
		run, err = b.runner.Refresh(t.Context(), refresh.Request{View: v.Name, Whole: true})
	}
	if err != nil {
		t.Errorf("%s: refresh: %v\nhint: %s", m.name, err, infra.Hint(err))
		return
	}
	got, err := tryRows(t.Context(), reader, "SELECT id, region, amount, note, updated_at FROM "+v.Name.SQL())
	if want := rows(t, b.source.Engine, v.Query); err != nil || !equalRows(got, want) {
		t.Errorf("%s: the application sees %d rows, %v; the source has %d", m.name, len(got), err, len(want))
	}
	if after := b.dressed(t, v); !equalRows(before, after) {
		t.Errorf("%s: what was on the view has become\n%v, it was\n%v\n%+v", m.name, after, before, run)
	}
}

// dressed is what is on the published view and its schema.
func (b *bundle) dressed(t testing.TB, v catalog.View) []string {
	t.Helper()
	return rows(t, b.pool, `
		SELECT 'view', a.grantor, a.grantee, a.privilege_type, a.is_grantable, c.reloptions, obj_description(c.oid, 'pg_class')
		FROM pg_class c LEFT JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a ON true
		WHERE c.oid = to_regclass('`+v.Name.SQL()+`')
		UNION ALL
		SELECT attname, a.grantor, a.grantee, a.privilege_type, a.is_grantable, NULL, coalesce(col_description(attrelid, attnum), '') ||
			coalesce(pg_get_expr(adbin, adrelid), '')
		FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
		LEFT JOIN LATERAL aclexplode(attacl) a ON true
		WHERE attrelid = to_regclass('`+v.Name.SQL()+`') AND attnum > 0
		UNION ALL
		SELECT 'schema', a.grantor, a.grantee, a.privilege_type, a.is_grantable, NULL, NULL
		FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a WHERE n.nspname = 'bi'`)
}

func equalRows(a, b []string) bool { return strings.Join(a, "\n") == strings.Join(b, "\n") }

// exec runs statements in the cache as its owner, sudo as a superuser.
func (b *bundle) exec(t testing.TB, sql string) {
	t.Helper()
	if _, err := tryRows(t.Context(), b.pool, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (b *bundle) sudo(t testing.TB, sql string) {
	t.Helper()
	if sql == "" {
		return
	}
	if err := b.cache.Admin(context.WithoutCancel(t.Context()), b.cache.Name, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
