package refresh_test

import (
	"context"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/refresh"
)

// One old generation that somebody else's view reads stays; the later ones go, and the run says what stays and why.
func TestSwap_OneGenerationThatStaysKeepsNoOther(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Swap)
	b.add(t, v)
	b.exec(t, "CREATE VIEW bi.direct AS SELECT * FROM redcache_data.v1_g1")
	var run catalog.Run
	for range 3 {
		run = b.refresh(t, refresh.Request{View: v.Name})
	}
	left := rows(t, b.pool, `SELECT relname FROM pg_class WHERE relnamespace = 'redcache_data'::regnamespace AND relkind = 'r'`)
	if want := []string{`"v1_g1" `, `"v1_g4" `}; !equalRows(left, want) {
		t.Errorf("generations are %v, want %v", left, want)
	}
	if run.Reason == nil || !strings.Contains(*run.Reason, "bi.direct") || !strings.Contains(*run.Reason, "cannot be dropped") {
		t.Errorf("the run says %v", run.Reason)
	}
	b.exec(t, "DROP VIEW bi.direct")
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantNothingLeft(t)
}

// A role that a definition names and that is gone, or is called otherwise by now, keeps nothing from being changed.
func TestAlter_AGranteeThatIsGoneBlocksNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	app := b.app(t)
	b.sudo(t, "CREATE ROLE gone_"+app+"; CREATE ROLE old_"+app)
	v := b.salesView(catalog.Merge)
	v.Grantees = []string{app, "gone_" + app, "old_" + app}
	b.add(t, v)
	b.sudo(t, "DROP OWNED BY gone_"+app+"; DROP ROLE gone_"+app+"; ALTER ROLE old_"+app+" RENAME TO new_"+app)
	t.Cleanup(func() { b.sudo(t, "DROP OWNED BY new_"+app+"; DROP ROLE new_"+app) })
	for name, change := range map[string]func(*catalog.View){
		"the interval":     func(v *catalog.View) { v.AllowShrink = 10 },
		"a new generation": func(v *catalog.View) { v.Indexes = []string{"region"} },
		"another type":     retype,
		"the grants":       func(v *catalog.View) { v.Grantees = []string{app, "gone_" + app} },
	} {
		if err := <-b.alter(t.Context(), v.Name, change); err != nil {
			t.Errorf("%s: %v\nhint: %s", name, err, infra.Hint(err))
		}
	}
	reader := pgtest.OpenPool(t, b.cache.Cluster.URL(b.cache.Name, app, "app"))
	if got, err := tryRows(t.Context(), reader, "SELECT * FROM "+v.Name.SQL()); len(got) != 1000 {
		t.Errorf("who is still there sees %d rows, %v", len(got), err)
	}
	err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Grantees = []string{"nobody at all"} })
	if err == nil || !strings.Contains(err.Error(), `role "nobody at all" does not exist`) {
		t.Errorf("a role that was never there: %v", err)
	}
	b.exec(t, "DROP VIEW "+v.Name.SQL())
	b.refresh(t, refresh.Request{View: v.Name})
	if err := b.definer.Drop(t.Context(), v.Name); err != nil {
		t.Error(err)
	}
}

// Grants are for the role that was named, however it is written. PUBLIC is said in so many words, or it is a role.
func TestGrants_AreForTheRoleThatWasNamed(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	app := b.app(t)
	var names []string
	for _, name := range []string{"Public", "PUBLIC", "pUBLIC", "current_user", "CURRENT_USER", "None", `we"ird; name`, "session_user", "ALL"} {
		b.sudo(t, `CREATE ROLE `+`"`+strings.ReplaceAll(name, `"`, `""`)+`"`)
		names = append(names, name)
	}
	t.Cleanup(func() {
		for _, name := range names {
			quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
			_ = b.cache.Admin(context.Background(), b.cache.Name, "DROP OWNED BY "+quoted, "DROP ROLE "+quoted)
		}
	})
	granted := func(v catalog.View) []string { return b.granted(t, v) }
	for _, name := range names {
		v := b.salesView(catalog.Swap)
		v.Name.View, v.Grantees = "for "+name, []string{name}
		b.add(t, v)
		if got := granted(v); len(got) != 1 || !strings.Contains(strings.ReplaceAll(got[0], `\"`, `"`), name) {
			t.Errorf("--grant %s lets %v read", name, got)
		}
		b.exec(t, "DROP VIEW "+v.Name.SQL())
		b.refresh(t, refresh.Request{View: v.Name})
		if got := granted(v); len(got) != 1 || !strings.Contains(strings.ReplaceAll(got[0], `\"`, `"`), name) {
			t.Errorf("made again, --grant %s lets %v read", name, got)
		}
		if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Grantees = []string{app} }); err != nil {
			t.Error(err)
		}
		if got := granted(v); len(got) != 1 || !strings.Contains(got[0], app) {
			t.Errorf("after another --grant, %v read", got)
		}
	}
	v := b.salesView(catalog.Swap)
	v.Grantees = []string{"public"}
	b.add(t, v)
	if got := granted(v); !equalRows(got, []string{`"everybody" `}) {
		t.Errorf("--grant public lets %v read", got)
	}
	for _, name := range []string{"pubLIC", "none", "CURRENT_ROLE"} {
		v := b.salesView(catalog.Merge)
		v.Grantees = []string{name}
		if _, err := b.definer.Add(t.Context(), v, false, nil); err == nil || !strings.Contains(err.Error(), "does not exist") {
			t.Errorf("--grant %s: %v", name, err)
		}
	}
}

// granted are those beside the owner who have a right to the published view.
func (b *bundle) granted(t *testing.T, v catalog.View) []string {
	t.Helper()
	return rows(t, b.pool, `SELECT coalesce(r.rolname, 'everybody') FROM pg_class c, aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
		WHERE c.oid = '`+v.Name.SQL()+`'::regclass AND a.grantee <> c.relowner ORDER BY 1`)
}

// Whom a definition no longer names while something else has the view's name gets no right when the view comes back, and
// nobody else loses one.
func TestGrants_OfAViewThatIsAwayAreTakenFromOneOnly(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	app := b.app(t)
	for _, left := range []string{app, "public"} {
		v := b.salesView(catalog.Merge)
		v.Name.View, v.Grantees = "left to "+left, []string{"public", app}
		b.add(t, v)
		b.refresh(t, refresh.Request{View: v.Name})
		b.exec(t, "DROP VIEW "+v.Name.SQL()+"; CREATE TABLE "+v.Name.SQL()+" ()")
		if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Grantees = []string{left} }); err != nil {
			t.Fatal(err)
		}
		b.exec(t, "DROP TABLE "+v.Name.SQL())
		b.refresh(t, refresh.Request{View: v.Name})
		want := strings.ReplaceAll(left, "public", "everybody")
		if got := b.granted(t, v); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("left to %s: %v read", left, got)
		}
	}
}
