package refresh_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/catalog/migrate"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/refresh"
)

// stranger makes a role whose name has to be quoted.
func (b *bundle) stranger(t *testing.T, name string) string {
	t.Helper()
	role := name + " " + b.cache.Name
	b.sudo(t, `CREATE ROLE "`+role+`" LOGIN PASSWORD 'app'`)
	t.Cleanup(func() { b.sudo(t, `DROP OWNED BY "`+role+`"; DROP ROLE "`+role+`"`) })
	return role
}

// What guards a view is the same after a swap, after a definition with other columns, for which the view is made anew,
// and after somebody has dropped it; whatever default privileges there are by then.
func TestPublish_KeepsWhatGuardsAView(t *testing.T) {
	t.Parallel()
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Merge, catalog.Concurrent} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			app, odd := b.app(t), b.stranger(t, "Public")
			v := b.salesView(strategy)
			v.Grantees = []string{app}
			b.add(t, v)
			name := v.Name.SQL()
			b.exec(t, fmt.Sprintf(`ALTER VIEW %[1]s SET (security_barrier = true); ALTER VIEW %[1]s SET (security_invoker = false);
				ALTER VIEW %[1]s ALTER COLUMN region SET DEFAULT 'it''s \ odd';
				COMMENT ON COLUMN %[1]s.id IS 'the "key"'; COMMENT ON VIEW %[1]s IS 'it''s ours';
				GRANT SELECT (id, region), UPDATE (region) ON %[1]s TO "%[2]s" WITH GRANT OPTION; GRANT INSERT ON %[1]s TO PUBLIC;
				GRANT DELETE ON %[1]s TO %[3]s WITH GRANT OPTION; REVOKE TRUNCATE ON %[1]s FROM CURRENT_USER;
				REVOKE SELECT ON %[1]s FROM %[3]s`, name, odd, app))
			before := b.dressed(t, v)
			check := func(after string) {
				t.Helper()
				if got := b.dressed(t, v); !equalRows(got, before) {
					t.Errorf("after %s, what is on the view is\n%v, it was\n%v", after, got, before)
				}
			}
			b.exec(t, `ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO `+app+`;
				ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC; ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM CURRENT_USER`)
			b.refresh(t, refresh.Request{View: v.Name})
			check("a refresh")
			if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Indexes = []string{"region"} }); err != nil {
				t.Fatal(err)
			}
			check("a new generation")
			b.exec(t, "DROP SCHEMA bi CASCADE")
			b.refresh(t, refresh.Request{View: v.Name})
			check("a drop of the schema")
			if err := <-b.alter(t.Context(), v.Name, retype); err != nil {
				t.Fatalf("%v\nhint: %s", err, infra.Hint(err))
			}
			check("a definition with another type")
			b.wantPrivate(t)
		})
	}
}

// wantPrivate checks that nobody but the owner has a right to a generation.
func (b *bundle) wantPrivate(t *testing.T) {
	t.Helper()
	if open := rows(t, b.pool, `SELECT c.relname, a.grantee, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
		WHERE c.relnamespace = 'redcache_data'::regnamespace AND c.relkind IN ('r', 'm') AND a.grantee <> c.relowner`); open != nil {
		t.Errorf("generations are open to others: %v", open)
	}
}

func TestAdd_DefaultPrivilegesLetNobodyIn(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	app := b.app(t)
	b.exec(t, `ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC; ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO PUBLIC;
		ALTER DEFAULT PRIVILEGES GRANT UPDATE ON TABLES TO `+app)
	reader := pgtest.OpenPool(t, b.cache.Cluster.URL(b.cache.Name, app, "app"))
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		v := b.salesView(strategy)
		v.Grantees = nil
		b.add(t, v)
		if _, err := tryRows(t.Context(), reader, "SELECT * FROM "+v.Name.SQL()); err == nil {
			t.Errorf("%s: somebody reads whom nobody let in", strategy)
		}
		if open := rows(t, b.pool, `SELECT a.grantee FROM pg_class c, aclexplode(c.relacl) a
			WHERE c.oid = '`+v.Name.SQL()+`'::regclass AND a.grantee <> c.relowner`); open != nil {
			t.Errorf("%s: the view is open to %v", strategy, open)
		}
	}
	b.wantPrivate(t)
}

// What no other view can be given keeps the view from being made anew, and is named; a new generation over the same
// columns leaves it where it is.
func TestAlter_RefusesWhatWouldBeLost(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	app, other := b.app(t), b.stranger(t, "Other")
	v := b.salesView(catalog.Merge)
	b.add(t, v)
	view := v.Name.SQL()
	b.exec(t, `CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`)
	for what, c := range map[string]struct{ do, sudo, undo string }{
		"trigger guard": {
			do:   "CREATE TRIGGER guard INSTEAD OF DELETE ON " + view + " FOR EACH ROW EXECUTE FUNCTION public.nothing()",
			undo: "DROP TRIGGER guard ON " + view,
		},
		"rule guard": {do: "CREATE RULE guard AS ON DELETE TO " + view + " DO INSTEAD NOTHING", undo: "DROP RULE guard ON " + view},
		"SELECT, which " + app + " has granted to " + other: {
			do:   "GRANT SELECT ON " + view + " TO " + app + " WITH GRANT OPTION; GRANT USAGE ON SCHEMA bi TO " + app,
			sudo: "SET ROLE " + app + "; GRANT SELECT ON " + view + ` TO "` + other + `"`,
			undo: "REVOKE SELECT ON " + view + " FROM " + app + " CASCADE",
		},
		"security label of fake": {
			sudo: "INSERT INTO pg_seclabel SELECT oid, 'pg_class'::regclass, 0, 'fake', 'secret' FROM pg_class WHERE oid = '" + view + "'::regclass",
			undo: "DELETE FROM pg_seclabel",
		},
	} {
		if c.do != "" {
			b.exec(t, c.do)
		}
		b.sudo(t, c.sudo)
		err := <-b.alter(t.Context(), v.Name, retype)
		if err == nil || !strings.Contains(err.Error(), what) || infra.Hint(err) == "" {
			t.Errorf("%s: got %v", what, err)
		}
		before := b.dressed(t, v)
		if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Indexes = append(v.Indexes, "region") }); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if after := b.dressed(t, v); !equalRows(before, after) {
			t.Errorf("%s: what is on the view is\n%v, it was\n%v", what, after, before)
		}
		b.sudo(t, c.undo)
	}
	if err := <-b.alter(t.Context(), v.Name, retype); err != nil {
		t.Error(err)
	}
}

// A query that somebody has given to the view, a filter for instance, is not undone by a swap without a word.
func TestSwap_LeavesAQueryAloneThatSomebodyHasChanged(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Swap)
	b.add(t, v)
	state := rows(t, b.pool, `SELECT 'v' || view_id || '_g' || generation FROM redcache.copy`)
	b.exec(t, "CREATE OR REPLACE VIEW "+v.Name.SQL()+" AS SELECT * FROM redcache_data."+strings.Trim(state[0], `" `)+" WHERE id < 10")
	reads := len(b.source.Statements())
	_, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
	if err == nil || !strings.Contains(err.Error(), "somebody has changed its query") {
		t.Errorf("got %v", err)
	}
	if len(b.source.Statements()) > reads {
		t.Error("the source was asked before that was found")
	}
	if n := len(rows(t, b.pool, "SELECT * FROM "+v.Name.SQL())); n != 9 {
		t.Errorf("the view shows %d rows", n)
	}
	b.exec(t, "DROP VIEW "+v.Name.SQL())
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, v)
}

// Policies on the rows below a view hold for the next generation as well, and for the one after somebody has dropped it.
func TestPublish_CarriesPoliciesOver(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	app := b.app(t)
	v := b.salesView(catalog.Swap)
	v.Grantees = []string{app}
	b.add(t, v)
	reader := pgtest.OpenPool(t, b.cache.Cluster.URL(b.cache.Name, app, "app"))
	table := func() string {
		name := rows(t, b.pool, `SELECT 'redcache_data.v' || view_id || '_g' || generation FROM redcache.copy`)[0]
		return strings.Trim(name, `" `)
	}
	sees := func(when string, want int) {
		t.Helper()
		if got, err := tryRows(t.Context(), reader, "SELECT * FROM "+v.Name.SQL()); err != nil || len(got) != want {
			t.Errorf("%s, the application sees %d rows, %v; want %d", when, len(got), err, want)
		}
	}
	b.exec(t, fmt.Sprintf(`ALTER TABLE %[1]s ENABLE ROW LEVEL SECURITY; ALTER TABLE %[1]s FORCE ROW LEVEL SECURITY;
		CREATE POLICY "few; rows" ON %[1]s USING (id <= 10 AND note IS DISTINCT FROM 'it''s "x"');
		CREATE POLICY own ON %[1]s AS RESTRICTIVE FOR SELECT TO redcache_owner, %[2]s USING (id > 0);
		CREATE POLICY adding ON %[1]s FOR INSERT WITH CHECK (id > 0);
		ALTER TABLE %[1]s ALTER COLUMN region SET STATISTICS 500; ALTER TABLE %[1]s SET (fillfactor = 70, autovacuum_enabled = off);
		GRANT SELECT ON %[1]s TO %[2]s; GRANT SELECT (id) ON %[1]s TO PUBLIC`, table(), app))
	sees("before a swap", 10)
	below := func() []string {
		return rows(t, b.pool, fmt.Sprintf(`SELECT polname, polcmd, polpermissive, polroles, pg_get_expr(polqual, polrelid),
			pg_get_expr(polwithcheck, polrelid), c.relacl, c.relforcerowsecurity, c.reloptions, a.attacl, a.attstattarget
			FROM pg_policy JOIN pg_class c ON c.oid = polrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
			WHERE polrelid = '%s'::regclass`, table()))
	}
	before := below()
	check := func(when string) {
		t.Helper()
		sees(when, 10)
		if after := below(); !equalRows(before, after) {
			t.Errorf("%s, what is on the table is\n%v, it was\n%v", when, after, before)
		}
	}
	b.refresh(t, refresh.Request{View: v.Name})
	check("after a swap")
	if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Indexes = []string{"region"} }); err != nil {
		t.Fatal(err)
	}
	check("after a new definition")
	b.refresh(t, refresh.Request{View: v.Name})
	b.exec(t, "DROP TABLE "+table()+" CASCADE")
	b.refresh(t, refresh.Request{View: v.Name})
	check("after a drop")
	for want, change := range map[string]func(*catalog.View){
		"a materialized view cannot have it": func(v *catalog.View) { v.Strategy = catalog.Concurrent },
		`"note" does not exist`: func(v *catalog.View) { // a policy reads it
			v.Query = "SELECT id, region, amount, updated_at FROM public.sales"
		},
	} {
		if err := <-b.alter(t.Context(), v.Name, change); err == nil || infra.Hint(err) == "" || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, hint %q; want a refusal that says %s", err, infra.Hint(err), want)
		}
		check("after a refusal")
	}
	// A merge would not see all rows.
	if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Strategy = catalog.Merge }); err != nil {
		t.Fatal(err)
	}
	if _, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name}); err == nil ||
		!strings.Contains(err.Error(), "row-level security is forced") || !strings.Contains(infra.Hint(err), "NO FORCE") {
		t.Errorf("got %v", err)
	}
	check("after a merge that was refused")
}

// A new generation that would lose what is on the old one, and cannot be given to another table, is refused beforehand.
func TestSwap_RefusesToLoseWhatIsOnTheTable(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Swap)
	b.add(t, v)
	b.exec(t, `CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`)
	for what, c := range map[string]struct{ do, undo string }{
		"trigger guard":     {"CREATE TRIGGER guard BEFORE INSERT ON @gen FOR EACH ROW EXECUTE FUNCTION public.nothing()", "DROP TRIGGER guard ON @gen"},
		"rule guard":        {"CREATE RULE guard AS ON UPDATE TO @gen DO ALSO NOTHING", "DROP RULE guard ON @gen"},
		"publication sold":  {"CREATE PUBLICATION sold FOR TABLE @gen", "DROP PUBLICATION sold"},
		"foreign key known": {"CREATE TABLE public.ref (id bigint CONSTRAINT known REFERENCES @gen (id))", "DROP TABLE public.ref"},
	} {
		gen := strings.Trim(rows(t, b.pool, `SELECT 'redcache_data.v' || view_id || '_g' || generation FROM redcache.copy`)[0], `" `)
		b.exec(t, strings.ReplaceAll(c.do, "@gen", gen))
		reads := len(b.source.Statements())
		_, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
		if err == nil || !strings.Contains(err.Error(), what) || infra.Hint(err) == "" || strings.Contains(err.Error(), "Redshift") {
			t.Errorf("%s: got %v, hint %q", what, err, infra.Hint(err))
		}
		if len(b.source.Statements()) > reads {
			t.Errorf("%s: the source was asked before that was found", what)
		}
		b.exec(t, strings.ReplaceAll(c.undo, "@gen", gen))
		b.refresh(t, refresh.Request{View: v.Name})
		b.wantEqual(t, v)
	}
}

// Default privileges let nobody into a catalog that is made under them either.
func TestInit_DefaultPrivilegesLetNobodyIn(t *testing.T) {
	t.Parallel()
	cache := pgtest.New(t)
	pool := cache.Pool(t)
	if _, err := pool.Exec(t.Context(), `ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC`); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC`); err != nil {
		t.Fatal(err)
	}
	if _, err := migrate.Up(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	open := rows(t, pool, `SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a
		WHERE c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname LIKE 'redcache%') AND a.grantee <> c.relowner
		UNION ALL SELECT n.nspname FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname LIKE 'redcache%' AND a.grantee <> n.nspowner`)
	if open != nil {
		t.Errorf("others have rights on %v", open)
	}
}

// Where the rows are changed in place, nothing is undone, and each run says what readers may not see; a change that would
// undo it is refused, by every strategy alike.
func TestRefresh_SaysThatSomebodyHasChangedTheQuery(t *testing.T) {
	t.Parallel()
	for _, strategy := range []catalog.Strategy{catalog.Nonconcurrent, catalog.Concurrent, catalog.Incremental, catalog.Merge} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			v := b.salesView(strategy)
			b.add(t, v)
			b.exec(t, "ALTER VIEW "+v.Name.SQL()+" RENAME COLUMN note TO remark")
			run := b.refresh(t, refresh.Request{View: v.Name})
			if run.Reason == nil || !strings.Contains(*run.Reason, "somebody has changed the query of the published view") {
				t.Errorf("the run says %v", run.Reason)
			}
			err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Indexes = append(v.Indexes, "region") })
			if err == nil || !strings.Contains(err.Error(), "somebody has changed its query") || infra.Hint(err) == "" {
				t.Errorf("got %v", err)
			}
			if n := len(rows(t, b.pool, "SELECT remark FROM "+v.Name.SQL())); n != 1000 {
				t.Errorf("the view shows %d rows", n)
			}
		})
	}
}

// What a refresh has published is ours, also when the process died before it could remember what the view looks like.
func TestSwap_KnowsItsOwnViewAfterADeathBehindTheCommit(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Swap)
	b.add(t, v)
	b.exec(t, `CREATE TABLE bi.memory AS SELECT published FROM redcache.state`)
	b.refresh(t, refresh.Request{View: v.Name})
	b.exec(t, `UPDATE redcache.state s SET published = m.published FROM bi.memory m`) // as it was before
	b.refresh(t, refresh.Request{View: v.Name})
	if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Indexes = append(v.Indexes, "region") }); err != nil {
		t.Error(err)
	}
	b.wantEqual(t, v)
}

// Where all tables are published, the first load of a view without a key can delete what it replaces, and so can the next.
func TestAdd_WhereAllTablesArePublished(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	b.sudo(t, `CREATE PUBLICATION everything FOR ALL TABLES`)
	for _, transport := range []catalog.Transport{catalog.DblinkTransport, catalog.StreamTransport} {
		v := b.salesView(catalog.Incremental)
		v.Name.View += "_" + string(transport)
		v.Key, v.Transport, v.Lookback = nil, transport, "1d"
		b.add(t, v)
		b.change(t, `UPDATE public.sales SET amount = amount + 1, updated_at = now()`)
		b.refresh(t, refresh.Request{View: v.Name, Whole: true})
		b.refresh(t, refresh.Request{View: v.Name})
		b.wantEqual(t, v)
	}
}

// A policy that is forced on the owner as well would hide rows from a refresh in place, which says so before it begins.
func TestRefresh_RefusesAForcedPolicyInPlace(t *testing.T) {
	t.Parallel()
	for _, strategy := range []catalog.Strategy{catalog.Incremental, catalog.Merge} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			v := b.salesView(strategy)
			b.add(t, v)
			before := rows(t, b.pool, "SELECT * FROM "+v.Name.SQL())
			table := "redcache_data.v1_g1"
			b.exec(t, "ALTER TABLE "+table+" ENABLE ROW LEVEL SECURITY; ALTER TABLE "+table+" FORCE ROW LEVEL SECURITY")
			b.change(t, `INSERT INTO public.sales SELECT max(id) + 1, 'new', 1, NULL, now() FROM public.sales`)
			_, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
			if err == nil || !strings.Contains(err.Error(), "row-level security is forced") || strings.Contains(err.Error(), "Redshift") ||
				!strings.Contains(infra.Hint(err), "NO FORCE ROW LEVEL SECURITY") {
				t.Errorf("got %v, hint %q", err, infra.Hint(err))
			}
			b.exec(t, "ALTER TABLE "+table+" NO FORCE ROW LEVEL SECURITY")
			b.wantRows(t, v, before)
			b.refresh(t, refresh.Request{View: v.Name})
			b.wantEqual(t, v)
		})
	}
}

// Whoever has the right to put a trigger on a table has its writer run what he likes. No refresh does.
func TestRefresh_RunsNoTriggerOfAStranger(t *testing.T) {
	t.Parallel()
	for _, on := range []string{"generation", "catalog"} {
		t.Run(on, func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			evil := b.app(t)
			v := b.salesView(catalog.Merge)
			b.add(t, v)
			b.exec(t, `GRANT USAGE ON SCHEMA redcache, redcache_data TO `+evil+`; GRANT ALL ON ALL TABLES IN SCHEMA redcache, redcache_data TO `+evil)
			b.sudo(t, `CREATE SCHEMA evil AUTHORIZATION `+evil+`; CREATE TABLE evil.loot (who text); GRANT ALL ON evil.loot TO PUBLIC`)
			pool := pgtest.OpenPool(t, b.cache.Cluster.URL(b.cache.Name, evil, "app"))
			table := map[string]string{"generation": "redcache_data.v1_g1", "catalog": "redcache.state"}[on]
			for _, statement := range []string{
				`CREATE FUNCTION evil.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO evil.loot VALUES (current_user); RETURN new; END'`,
				`GRANT USAGE ON SCHEMA evil TO PUBLIC`,
				`CREATE TRIGGER t BEFORE INSERT OR UPDATE OR DELETE ON ` + table + ` FOR EACH ROW EXECUTE FUNCTION evil.f()`,
			} {
				if _, err := pool.Exec(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			b.change(t, `UPDATE public.sales SET amount = amount + 1`)
			_, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
			if err == nil || !strings.Contains(err.Error(), "trigger t") || !strings.Contains(err.Error(), "belongs to "+evil) {
				t.Errorf("refresh: got %v", err)
			}
			if got := rows(t, b.pool, `SELECT who FROM evil.loot WHERE who <> '`+evil+`'`); on == "generation" && len(got) > 0 {
				t.Errorf("it ran as %v", got)
			}
			b.sudo(t, `DROP TRIGGER t ON `+table)
			b.refresh(t, refresh.Request{View: v.Name})
			b.refresh(t, refresh.Request{View: v.Name, Strategy: catalog.Swap})
			if got := rows(t, b.pool, `SELECT relname FROM pg_class, aclexplode(relacl) a WHERE relnamespace = 'redcache_data'::regnamespace
				AND relkind = 'r' AND relname <> 'v1_g1' AND a.grantee = '`+evil+`'::regrole AND privilege_type <> 'SELECT'`); len(got) > 0 {
				t.Errorf("a new generation gives rights to write: %v", got)
			}
			b.wantEqual(t, v)
			pool.Close()
			b.sudo(t, `DROP SCHEMA evil CASCADE`)
		})
	}
}
