package refresh_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// What somebody has made of the published view is never undone: what keeps the generation goes on and says so, what needs
// another one is refused, in the same words for every strategy.
func TestOthers_AChangedQueryIsNeverUndone(t *testing.T) {
	t.Parallel()
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		for name, change := range map[string]string{
			"column renamed": `ALTER VIEW @view RENAME COLUMN note TO remark`,
			"rows left out": `DO $$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW @view AS ' || replace(pg_get_viewdef('@view'::regclass), ';', '') ||
				' WHERE id < 500'; END $$`,
		} {
			t.Run(string(strategy)+"/"+name, func(t *testing.T) {
				t.Parallel()
				b := setup(t, salesSQL...)
				v := b.salesView(strategy)
				b.add(t, v)
				b.exec(t, strings.ReplaceAll(change, "@view", v.Name.SQL()))
				const definition = `SELECT pg_get_viewdef(c.oid), string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_class c
					JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 WHERE c.relname LIKE 'sales_%' AND c.relkind = 'v' GROUP BY 1`
				before := rows(t, b.pool, definition)
				run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
				const said = "somebody has changed"
				if keeps := strategy != catalog.Swap && strategy != catalog.Auto; err != nil {
					wantNamed(t, err, said)
					if keeps {
						t.Errorf("the refresh failed: %v", err)
					}
				} else if run.Reason == nil || !strings.Contains(*run.Reason, said) {
					t.Errorf("the run says %v", run.Reason)
				}
				wantNamed(t, <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Indexes = []string{"amount"} }), said)
				if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.AllowShrink++ }); err != nil {
					t.Errorf("a change that needs no generation: %v", err)
				}
				if after := rows(t, b.pool, definition); !equalRows(before, after) {
					t.Errorf("the view was %v and is %v", before, after)
				}
				if all, err := b.store.Status(t.Context()); err != nil || !strings.Contains(all[0].Problem, said) {
					t.Errorf("the list says %q, %v", all[0].Problem, err)
				}
				if err := b.definer.Drop(t.Context(), v.Name); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// wantNamed wants an error that says so, on this side, with what to do.
func wantNamed(t *testing.T, err error, what ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("it was done, want it to name %q", what)
		return
	}
	message, hint := infra.Message(err), infra.Hint(err)
	for _, w := range what {
		if !strings.Contains(message+hint, w) {
			t.Errorf("%q, hint %q: does not name %q", message, hint, w)
		}
	}
	if hint == "" || strings.Contains(message+hint, "Redshift") {
		t.Errorf("%q, hint %q", message, hint)
	}
}

// What others have put on a generation, and the next one cannot be given, is a reason not to make one. As long as the
// generation stays, it stays, too; only a rule, by which something else is written, keeps everything back.
func TestOthers_WhatTheyPutOnAGenerationIsNotLostWithoutAWord(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]string{
		"check mine":                    `ALTER TABLE @gen ADD CONSTRAINT mine CHECK (id IS NOT NULL)`,
		"unique mine":                   `ALTER TABLE @gen ADD CONSTRAINT mine UNIQUE (id, n)`,
		"primary key mine":              `ALTER TABLE @gen ADD CONSTRAINT mine PRIMARY KEY (id)`,
		"exclusion mine":                `ALTER TABLE @gen ADD CONSTRAINT mine EXCLUDE (id WITH =)`,
		"foreign key mine":              `CREATE TABLE public.parent AS SELECT id FROM @gen; ALTER TABLE public.parent ADD UNIQUE (id); ALTER TABLE @gen ADD CONSTRAINT mine FOREIGN KEY (id) REFERENCES public.parent (id)`,
		"trigger mine":                  `CREATE FUNCTION public.mine() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$; CREATE TRIGGER mine AFTER INSERT ON @gen FOR EACH ROW EXECUTE FUNCTION public.mine()`,
		"rule mine":                     `CREATE RULE mine AS ON INSERT TO @gen DO INSTEAD NOTHING`,
		"inheritance from public.mine":  `CREATE TABLE public.mine (LIKE @gen); ALTER TABLE @gen INHERIT public.mine`,
		"publication mine":              `CREATE PUBLICATION mine FOR TABLE @gen`,
		"inheritance from public.mine2": `CREATE TABLE public.mine2 (LIKE @gen) PARTITION BY RANGE (id); ALTER TABLE public.mine2 ATTACH PARTITION @gen FOR VALUES FROM (0) TO (1000)`,
	} {
		for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Merge, catalog.Incremental} {
			t.Run(name+"/"+string(strategy), func(t *testing.T) {
				t.Parallel()
				b := setup(t, plainSQL...)
				v := b.plainView(strategy, catalog.AutoTransport)
				run := b.add(t, v)
				stored, err := b.store.View(t.Context(), v.Name)
				if err != nil {
					t.Fatal(err)
				}
				generation := stored.RelationSQL(run.Generation)
				b.sudo(t, strings.ReplaceAll(put, "@gen", generation))
				b.change(t, `UPDATE public.plain SET n = n + 10, ts = ts + interval '1 day' WHERE id = 3`)
				before := rows(t, b.pool, "SELECT * FROM "+v.Name.SQL())
				_, err = b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
				if strategy == catalog.Swap || strings.HasPrefix(name, "rule") {
					wantNamed(t, err, name)
					if after := rows(t, b.pool, "SELECT * FROM "+v.Name.SQL()); !slices.Equal(before, after) {
						t.Errorf("readers saw %v and see %v", before, after)
					}
				} else if err != nil {
					t.Errorf("the refresh failed: %v, hint %q", err, infra.Hint(err))
				} else {
					b.wantEqual(t, v)
				}
				wantNamed(t, <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Indexes = []string{"t"} }), name)
			})
		}
	}
}

// A swap makes its view anew in the view's schema, where somebody may have taken that right away.
func TestRefresh_NamesTheSchemaInWhichItMayNotCreate(t *testing.T) {
	t.Parallel()
	b := setup(t, plainSQL...)
	v := b.plainView(catalog.Swap, catalog.AutoTransport)
	b.add(t, v)
	b.exec(t, `REVOKE ALL ON SCHEMA bi FROM CURRENT_USER`)
	_, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
	wantNamed(t, err, "permission denied for schema bi", "GRANT CREATE, USAGE ON SCHEMA")
	b.exec(t, `GRANT ALL ON SCHEMA bi TO CURRENT_USER`)
	b.refresh(t, refresh.Request{View: v.Name})
}

// Whoever owns the cache can take its own rights away, which no other error would tell.
func TestReady_NamesARevokedRight(t *testing.T) {
	t.Parallel()
	b := setup(t, plainSQL...)
	for _, schema := range []string{"redcache", "redcache_data"} {
		for _, right := range []string{"USAGE", "ALL"} {
			b.exec(t, `REVOKE `+right+` ON SCHEMA `+schema+` FROM CURRENT_USER`)
			err := b.store.Ready(t.Context())
			wantNamed(t, err, "somebody has revoked the owner's rights on schema "+schema, "GRANT ALL ON SCHEMA "+schema+" TO redcache_owner")
			b.exec(t, `GRANT ALL ON SCHEMA `+schema+` TO redcache_owner`)
			if err := b.store.Ready(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
}

// A schema that does not exist has no owner who could be asked.
func TestAdd_WithoutTheRightToMakeItsSchema(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Merge)
	v.Name.Schema = "not_there"
	b.sudo(t, fmt.Sprintf(`ALTER DATABASE %s OWNER TO CURRENT_USER; REVOKE CREATE ON DATABASE %[1]s FROM redcache_owner`, b.cache.Name))
	_, err := b.definer.Add(t.Context(), v, false, nil)
	wantNamed(t, err, "create schema not_there: permission denied for database", "GRANT CREATE ON DATABASE", `CREATE SCHEMA "not_there"`)
}

// The right to use postgres_fdw is for making links: it may be taken away when they are there.
func TestRefresh_WithoutTheRightToMakeLinks(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Concurrent)
	b.add(t, v)
	b.sudo(t, "REVOKE USAGE ON FOREIGN DATA WRAPPER postgres_fdw FROM redcache_owner")
	b.runner = refresh.NewRunner(b.pool, refresh.Config{Backoff: quick}) // one that remembers nothing
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, v)
}
