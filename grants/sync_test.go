package grants_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/grants"
	"github.com/redcache/redcache/infra"
)

// sync returns the one change of a sync as lines.
func (b *bundle) sync(t testing.TB, a *grants.Auditor, dryRun bool) string {
	t.Helper()
	changes, _, err := a.Sync(t.Context(), nil, dryRun)
	if err != nil {
		t.Fatalf("sync: %v", err)
	}
	var lines strings.Builder
	for _, c := range changes {
		revoked, left := b.roles(c.Revoked), b.roles(c.Left)
		if len(c.Statements) == 0 && left == "" {
			continue
		}
		for _, statement := range c.Statements {
			fmt.Fprintf(&lines, "%s\n", statement)
		}
		fmt.Fprintf(&lines, "revoked: %s", revoked)
		fmt.Fprintf(&lines, "\nleft: %s\nlose: %s\n", left, strings.Join(c.Loses, " "))
	}
	return strings.ReplaceAll(lines.String(), b.prefix, "@")
}

// roles are those of this test among readers: the server has more of them.
func (b *bundle) roles(readers []grants.Reader) string {
	var names []string
	for _, r := range readers {
		source := strings.HasPrefix(r.Role, b.prefix+"r_")
		if strings.HasPrefix(r.Role, b.prefix) && !source || r.Role == grants.PUBLIC {
			names = append(names, r.Role)
		}
	}
	return strings.Join(names, " ")
}

func (b *bundle) grantees(t testing.TB, view catalog.Name) string {
	t.Helper()
	v, err := catalog.In(b.pool).View(t.Context(), view)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(strings.Join(v.Grantees, " "), b.prefix, "@")
}

func TestSync_RevokesTheExcessAndNothingElse(t *testing.T) {
	t.Parallel()
	b := setup(t, sale, `GRANT USAGE ON SCHEMA shop TO PUBLIC`)
	b.audited(t)
	b.remote(t, `CREATE ROLE @r_yes LOGIN; CREATE ROLE @r_no LOGIN; GRANT SELECT ON shop.sale TO @r_yes`)
	b.people(t, "@good", "@bad", `"@Bad ""2"""`, "@unknown", "@half", "@through", "@chief", "@heir", "@lucky")
	b.super(t, "CREATE ROLE @team; GRANT @team TO @through, @good")
	view := b.add(t, "sale", "SELECT id, price FROM shop.sale", b.prefix+"good", b.prefix+"bad", b.prefix+"team", "public")
	other := b.add(t, "other", "SELECT id FROM shop.sale", b.prefix+"good")
	b.local(t, `GRANT SELECT ON bi.sale TO "@Bad ""2""", @unknown; GRANT SELECT (id) ON bi.sale TO @half;
		GRANT SELECT ON bi.sale TO @chief WITH GRANT OPTION; GRANT INSERT ON bi.sale TO @bad`)
	b.super(t, `SET SESSION AUTHORIZATION @chief; GRANT SELECT ON bi.sale TO @heir; RESET SESSION AUTHORIZATION`)
	auditor := b.auditor(t, `@good=@r_yes,@bad=@r_no,"@Bad ""2"""=@r_no,@half=@r_no,@team=@r_yes,@through=@r_no,@chief=@r_no,@heir=@r_yes,@lucky=@r_yes`)
	want := `REVOKE SELECT ON "bi"."sale" FROM PUBLIC
REVOKE SELECT ON "bi"."sale" FROM "@bad"
REVOKE SELECT ON "bi"."sale" FROM "@Bad ""2"""
REVOKE SELECT ON "bi"."sale" FROM "@unknown"
REVOKE SELECT ON "bi"."sale" FROM "@half"
REVOKE SELECT ON "bi"."sale" FROM "@chief" CASCADE
UPDATE redcache.generation SET definition = definition || '{"grantees":["@good","@team"]}' WHERE view_id = 1
UPDATE redcache.view SET changed_at = pg_catalog.clock_timestamp() WHERE id = 1
revoked: PUBLIC @Bad "2" @bad @chief @half @unknown
left: @through
lose: @heir @lucky
`
	before := b.audit(t, auditor, view)
	if diff := cmp.Diff(want, b.sync(t, auditor, true)); diff != "" {
		t.Errorf("dry run (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, b.audit(t, auditor, view)); diff != "" {
		t.Errorf("the dry run changed something:\n%s", diff)
	}
	if diff := cmp.Diff(want, b.sync(t, auditor, false)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantLines(t, b.audit(t, auditor, view),
		"@good allowed <- its own grant; membership in @team; the view's definition",
		"@team allowed <- its own grant; the view's definition",
		"@through forbidden: user @r_no may not SELECT shop.sale <- membership in @team")
	wantLines(t, b.audit(t, auditor, other), "@good allowed <- its own grant; the view's definition")
	if got := b.grantees(t, view); got != "@good @team" {
		t.Errorf("got grantees %s", got)
	}
	if got := b.sync(t, auditor, false); got != "revoked: \nleft: @through\nlose: \n" {
		t.Errorf("again: got %s", got)
	}
	var inserts bool
	err := b.pool.QueryRow(t.Context(), "SELECT has_table_privilege($1, 'bi.sale', 'INSERT')", b.prefix+"bad").Scan(&inserts)
	if err != nil || !inserts {
		t.Errorf("a right that nobody asked about is gone: %v", err)
	}
	// What was revoked stays so when the view is made anew.
	change := func(v *catalog.View) error { v.Query = "SELECT id, price, note FROM shop.sale"; return nil }
	if _, err := b.definer.Alter(t.Context(), view, change, false, nil); err != nil {
		t.Fatal(err)
	}
	if got := b.audit(t, auditor, view); strings.Contains(got, "@bad") {
		t.Errorf("after a new publication: got %s", got)
	}
}

func TestSync_LeavesWhatOthersGranted(t *testing.T) {
	t.Parallel()
	b := setup(t, sale, `GRANT USAGE ON SCHEMA shop TO PUBLIC`)
	b.audited(t)
	b.remote(t, `CREATE ROLE @r_yes LOGIN; GRANT SELECT ON shop.sale TO @r_yes`)
	b.people(t, "@chief", "@heir", "@watcher")
	b.add(t, "sale", "SELECT id FROM shop.sale", b.prefix+"chief")
	b.local(t, `GRANT SELECT ON bi.sale TO @chief WITH GRANT OPTION; GRANT USAGE ON SCHEMA bi TO @heir`)
	b.super(t, `SET SESSION AUTHORIZATION @chief; GRANT SELECT ON bi.sale TO @heir; RESET SESSION AUTHORIZATION;
		CREATE SCHEMA rep AUTHORIZATION @chief; GRANT USAGE ON SCHEMA rep TO @watcher; SET ROLE @chief;
		CREATE VIEW rep.copy AS SELECT * FROM bi.sale; GRANT SELECT ON rep.copy TO @watcher; RESET ROLE`)
	changes, _, err := b.auditor(t, "@chief=@r_yes").Sync(t.Context(), nil, false)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, b.readers(changes[0].Left),
		"@heir unmapped: not mapped to anybody on Redshift <- its own grant by @chief",
		"@watcher unmapped: not mapped to anybody on Redshift <- its own grant on rep.copy")
	// Once the owner of that view may not read any more, nobody reads through it.
	if got := b.sync(t, b.revoker(), false); !strings.Contains(got, `FROM "@chief" CASCADE`) ||
		!strings.Contains(got, "revoked: @chief @heir @watcher\nleft: \n") {
		t.Errorf("got %s", got)
	}
}

func TestSync_ClosesTheGenerationsAndADefinitionThatWaits(t *testing.T) {
	t.Parallel()
	b := setup(t, sale)
	b.people(t, "@raw", "@later")
	b.add(t, "sale", "SELECT id FROM shop.sale")
	b.local(t, `GRANT USAGE ON SCHEMA redcache_data TO @raw; GRANT SELECT ON redcache_data.v1_g1 TO @raw`)
	v := catalog.NewView(catalog.Name{Schema: "bi", View: "later"}, b.link)
	v.Query, v.Strategy, v.Grantees = "SELECT id FROM shop.sale", catalog.Swap, []string{b.prefix + "later", "public"}
	if _, err := b.definer.Add(t.Context(), v, true, nil); err != nil {
		t.Fatal(err)
	}
	b.super(t, `CREATE VIEW bi.later AS SELECT 1 AS somebody_elses; GRANT SELECT ON bi.later TO @raw; GRANT USAGE ON SCHEMA bi TO @raw`)
	wantLines(t, b.sync(t, b.revoker(), false),
		`REVOKE SELECT ON "redcache_data"."v1_g1" FROM "@raw"`,
		"revoked: @raw\nleft: \nlose: ",
		`UPDATE redcache.generation SET definition = definition || '{"grantees":[]}' WHERE view_id = 2`,
		"UPDATE redcache.view SET changed_at = pg_catalog.clock_timestamp() WHERE id = 2",
		"revoked: PUBLIC @later\nleft: \nlose: ")
	if got := b.grantees(t, v.Name); got != "" {
		t.Errorf("got grantees %q", got)
	}
}

// A query that changes while the sync waits for the view's lock was not the one that Redshift was asked about.
func TestSync_DoesNotActOnWhatIsNoLongerTrue(t *testing.T) {
	t.Parallel()
	b := setup(t, sale)
	b.people(t, "@ann")
	view := b.add(t, "sale", "SELECT id FROM shop.sale", b.prefix+"ann")
	result := make(chan error, 1)
	err := infra.InTx(t.Context(), b.pool, infra.Limits{}, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `
			SELECT pg_catalog.pg_advisory_xact_lock('redcache.view'::regclass::oid::bigint::bit(32)::integer, 1)`)
		if err != nil {
			return err
		}
		auditor := b.revoker()
		go func() {
			_, _, err := auditor.Sync(t.Context(), nil, false)
			result <- err
		}()
		for waits := false; !waits && err == nil; {
			err = b.admin.QueryRow(t.Context(), `SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
				AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&waits)
		}
		if err == nil {
			_, err = tx.Exec(t.Context(), `UPDATE redcache.generation
				SET definition = jsonb_set(definition, '{source,query}', '"SELECT id FROM shop.secret"') WHERE view_id = 1`)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var changed *grants.ChangedError
	if err := <-result; !errors.As(err, &changed) || changed.View != view || changed.Hint() == "" {
		t.Errorf("got %v", err)
	}
	if got := b.grantees(t, view); got != "@ann" {
		t.Errorf("got grantees %q", got)
	}
}

// A mapping that was forgotten, or that is for another warehouse, must not take the views from everybody.
func TestSync_DoesNotTakeTheViewsFromEverybodyUnasked(t *testing.T) {
	t.Parallel()
	b := setup(t, sale)
	b.audited(t)
	b.remote(t, `CREATE ROLE @r_ann LOGIN`)
	b.people(t, "@ann", "@bob")
	view := b.add(t, "sale", "SELECT id FROM shop.sale", b.prefix+"ann", b.prefix+"bob")
	for name, mapping := range map[string]string{
		"no mapping":                   "",
		"only comments":                "# nobody yet",
		"roles that are not here":      "@nan=@r_ann",
		"identities of another house":  "@ann=@r_nan,@bob=group:@r_nan",
		"a role's name in other case":  `"@ANN"=@r_ann`,
		"somebody else of this server": "@ann=role:@r_ann",
	} {
		for _, dryRun := range []bool{true, false} {
			_, _, err := b.auditor(t, mapping).Sync(t.Context(), []catalog.Name{view}, dryRun)
			var nobody *grants.NobodyError
			if !errors.As(err, &nobody) || nobody.Link != "dw" || nobody.Hint() == "" {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
	if got := b.grantees(t, view); got != "@ann @bob" {
		t.Errorf("got grantees %s", got)
	}
	// A reader who may not is revoked all the same, and so is a role that the mapping leaves out.
	if got := b.sync(t, b.auditor(t, "@ann=@r_ann"), false); !strings.Contains(got, "revoked: @ann @bob\n") {
		t.Errorf("got %s", got)
	}
}

// A role that is called like everybody is a role: neither its grants nor those of everybody are taken for the other's.
func TestSync_TakesNoRoleForEverybody(t *testing.T) {
	t.Parallel()
	b := setup(t, sale, `GRANT USAGE ON SCHEMA shop TO PUBLIC`)
	b.audited(t)
	b.remote(t, `CREATE ROLE @r_yes LOGIN; GRANT SELECT ON shop.sale TO @r_yes`)
	b.super(t, `CREATE ROLE "PUBLIC"; CREATE ROLE "Public"`)
	view := b.add(t, "sale", "SELECT id, price FROM shop.sale", "PUBLIC", "Public")
	other := b.add(t, "other", "SELECT id FROM shop.sale", "Public")
	b.local(t, `GRANT SELECT ON bi.other TO PUBLIC`)
	if _, _, err := b.auditor(t, `"PUBLIC"=@r_yes`).Sync(t.Context(), nil, false); err != nil {
		t.Fatal(err)
	}
	if got := b.grantees(t, view); got != "PUBLIC" {
		t.Errorf("the definition lets %s read", got)
	}
	if got := b.grantees(t, other); got != "" {
		t.Errorf("the other definition lets %s read", got)
	}
	for name, want := range map[catalog.Name]string{view: "PUBLIC", other: ""} {
		var got string
		err := b.pool.QueryRow(t.Context(), `
			SELECT coalesce(string_agg(coalesce(r.rolname, 'everybody'), ', '), '')
			FROM pg_class c, aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
			WHERE c.oid = $1::text::regclass AND a.grantee <> c.relowner`, name.SQL()).Scan(&got)
		if err != nil || got != want {
			t.Errorf("%s: %q may read, %v; want %q", name, got, err, want)
		}
	}
}
