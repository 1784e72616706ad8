package grants_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/grants"
)

const sale = `CREATE SCHEMA shop; CREATE TABLE shop.sale (id int, price int, note varchar(9)); INSERT INTO shop.sale VALUES (1, 2, 'x')`

func wantLines(t testing.TB, got string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(strings.Join(want, "\n"), strings.TrimSuffix(got, "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAudit_FindsEveryWayToRead(t *testing.T) {
	t.Parallel()
	b := setup(t, sale)
	b.people(t, "@direct", "@column", "@member", "@deep", "@switch", "@none", "@blind", `"@Odd; ""name"""`, "@reporter", "@watcher", "@inner", "@raw")
	b.super(t, `CREATE ROLE @team; CREATE ROLE @part; GRANT @team TO @member, @part, @switch; GRANT @part TO @deep; ALTER ROLE @switch NOINHERIT`)
	view := b.add(t, "sale", "SELECT id, price FROM shop.sale", b.prefix+"direct", b.prefix+"team")
	b.local(t, `GRANT SELECT (id), SELECT (price) ON bi.sale TO @column; GRANT SELECT ON bi.sale TO "@Odd; ""name""", @blind;
		GRANT USAGE ON SCHEMA bi TO @column, "@Odd; ""name""", @reporter, @inner; GRANT SELECT ON bi.sale TO @reporter;
		GRANT USAGE ON SCHEMA redcache_data TO @raw`)
	b.super(t, `CREATE SCHEMA rep AUTHORIZATION @reporter; SET ROLE @reporter;
		CREATE VIEW rep.total AS SELECT sum(price) FROM bi.sale; CREATE VIEW rep.more AS SELECT * FROM rep.total;
		GRANT USAGE ON SCHEMA rep TO @watcher; GRANT SELECT ON rep.more TO @watcher; RESET ROLE;
		CREATE SCHEMA dead AUTHORIZATION @none; GRANT USAGE ON SCHEMA dead TO @watcher`)
	b.super(t, `DO $$ BEGIN EXECUTE format('GRANT SELECT ON redcache_data.%I TO @raw',
		(SELECT relname FROM pg_class WHERE relnamespace = 'redcache_data'::regnamespace AND relname ~ '^v[0-9]+_g')); END $$`)
	wantLines(t, b.audit(t, b.auditor(t, ""), view),
		`@Odd; "name" unmapped: not mapped to anybody on Redshift <- its own grant`,
		"@column unmapped: not mapped to anybody on Redshift <- its own grant on columns id, price",
		"@deep unmapped: not mapped to anybody on Redshift <- membership in @part, in @team",
		"@direct unmapped: not mapped to anybody on Redshift <- its own grant; the view's definition",
		"@member unmapped: not mapped to anybody on Redshift <- membership in @team",
		"@part unmapped: not mapped to anybody on Redshift <- membership in @team",
		"@raw unmapped: not mapped to anybody on Redshift <- its own grant on redcache_data.v1_g1",
		"@reporter unmapped: not mapped to anybody on Redshift <- its own grant; ownership on rep.more; ownership on rep.total",
		"@switch unmapped: not mapped to anybody on Redshift <- membership in @team",
		"@team unmapped: not mapped to anybody on Redshift <- its own grant; the view's definition",
		"@watcher unmapped: not mapped to anybody on Redshift <- its own grant on rep.more")
}

func TestAudit_CountsPublicAsSomebodyOfItsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t, sale)
	b.people(t, "@ann")
	view := b.add(t, "sale", "SELECT id FROM shop.sale", "public")
	b.local(t, "REVOKE USAGE ON SCHEMA bi FROM PUBLIC; GRANT USAGE ON SCHEMA bi TO @ann")
	wantLines(t, b.audit(t, b.auditor(t, "@ann=@ann"), view),
		"PUBLIC unmapped: PUBLIC is everybody, whoever that will be <- the grant to PUBLIC; the view's definition",
		"@ann forbidden: user @ann may not use schema shop <- the grant to PUBLIC")
}

func TestAudit_ExemptsOwnerAndSuperusersOnly(t *testing.T) {
	t.Parallel()
	b := setup(t, sale)
	b.people(t, "@deputy", "@reader")
	b.super(t, "CREATE ROLE @dba SUPERUSER; GRANT pg_read_all_data TO @reader; GRANT @dba TO @deputy; ALTER ROLE @deputy NOINHERIT")
	view := b.add(t, "sale", "SELECT id FROM shop.sale")
	report, err := b.auditor(t, "").Audit(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	exempt := map[string]bool{}
	for _, r := range report.Audits[0].Readers {
		exempt[r.Role] = r.Verdict == grants.Exempt
	}
	var owner string
	if err := b.pool.QueryRow(t.Context(), "SELECT current_user").Scan(&owner); err != nil {
		t.Fatal(err)
	}
	if !exempt[owner] || !exempt[b.prefix+"dba"] {
		t.Errorf("got %v", exempt)
	}
	got := b.audit(t, b.auditor(t, ""), view)
	for _, want := range []string{
		"@deputy unmapped: not mapped to anybody on Redshift <- membership in @dba",
		"@reader unmapped: not mapped to anybody on Redshift <- membership in pg_read_all_data",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Every role here reads the same view, and is mapped to somebody else there.
func TestAudit_KnowsEveryWayToBeAllowed(t *testing.T) {
	t.Parallel()
	b := setup(t, sale)
	b.audited(t)
	identities := []string{"owner", "direct", "grouped", "holder", "deep", "columns", "few", "usageless", "groupcolumn", "nothing", "gone"}
	b.remote(t, `CREATE ROLE @staff; CREATE ROLE @bi; CREATE ROLE @base; CREATE ROLE @cols; CREATE ROLE @idle; INSERT INTO redshift.role VALUES ('@bi'), ('@base')`)
	for _, name := range identities[:len(identities)-1] {
		b.remote(t, "CREATE ROLE @r_"+name+" LOGIN")
	}
	b.remote(t, `ALTER TABLE shop.sale OWNER TO @r_owner; ALTER SCHEMA shop OWNER TO @r_owner;
		GRANT @staff TO @r_grouped; GRANT @bi TO @r_holder, @r_deep; GRANT @base TO @bi; GRANT @cols TO @r_groupcolumn;
		GRANT USAGE ON SCHEMA shop TO @r_direct, @staff, @base, @r_columns, @r_few, @r_nothing, @cols;
		GRANT SELECT ON shop.sale TO @r_direct, @r_usageless, @staff, @base;
		GRANT SELECT (id), SELECT (price) ON shop.sale TO @r_columns; GRANT SELECT (id) ON shop.sale TO @r_few;
		GRANT SELECT (id) ON shop.sale TO @cols, @r_groupcolumn; GRANT SELECT (price) ON shop.sale TO @cols`)
	mapping := []string{"@g1=group:@staff", "@g2=group:@idle", "@g3=group:@none", "@o1=role:@bi", "@o2=role:@none"}
	var readers []string
	for _, name := range identities {
		mapping, readers = append(mapping, "@"+name+"=@r_"+name), append(readers, "@"+name)
	}
	b.people(t, append(readers, "@g1", "@g2", "@g3", "@o1", "@o2")...)
	view := b.add(t, "sale", "SELECT id, price FROM shop.sale")
	b.local(t, "GRANT USAGE ON SCHEMA bi TO PUBLIC; GRANT SELECT ON bi.sale TO @g1, @g2, @g3, @o1, @o2, "+strings.Join(readers, ", "))
	got := strings.ReplaceAll(b.audit(t, b.auditor(t, strings.Join(mapping, ",")), view), " <- its own grant", "")
	wantLines(t, got,
		"@columns allowed",
		"@deep allowed",
		"@direct allowed",
		"@few forbidden: user @r_few may not SELECT all columns of shop.sale that the query may read",
		"@g1 allowed",
		"@g2 forbidden: group @idle may not use schema shop",
		"@g3 forbidden: Redshift has no group @none",
		"@gone forbidden: Redshift has no user @r_gone",
		"@groupcolumn allowed",
		"@grouped allowed",
		"@holder allowed",
		"@nothing forbidden: user @r_nothing may not SELECT shop.sale",
		"@o1 allowed",
		"@o2 forbidden: Redshift has no role @none",
		"@owner allowed",
		"@usageless forbidden: user @r_usageless may not use schema shop")
}

func TestAudit_SaysWhatTheLoginMayNotKnow(t *testing.T) {
	t.Parallel()
	b := setup(t, sale)
	b.remote(t, `CREATE ROLE @r_ann LOGIN; CREATE ROLE @bi; INSERT INTO redshift.role VALUES ('@bi'); GRANT @bi TO @r_ann;
		GRANT USAGE ON SCHEMA shop TO PUBLIC; GRANT SELECT ON shop.sale TO @bi`)
	b.people(t, "@ann", "@bob")
	view := b.add(t, "sale", "SELECT id FROM shop.sale", b.prefix+"ann", b.prefix+"bob")
	auditor := b.auditor(t, "@ann=@r_ann,@bob=role:@bi,@nobody=@r_ann")
	wantLines(t, b.audit(t, auditor, view),
		"@ann forbidden: user @r_ann may not SELECT shop.sale <- its own grant; the view's definition",
		"@bob forbidden: Redshift has no role @bi, or does not show it to cache_ro <- its own grant; the view's definition")
	report, err := auditor.Audit(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(report.Notes, "\n")
	for _, want := range []string{"does not show cache_ro what others were granted", "GRANT ROLE sys:monitor TO", "sys:secadmin", "the mapping has role " + b.prefix + "nobody"} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes lack %q:\n%s", want, notes)
		}
	}
	b.audited(t)
	wantLines(t, b.audit(t, auditor, view),
		"@ann allowed <- its own grant; the view's definition",
		"@bob allowed <- its own grant; the view's definition")
	if report, err = auditor.Audit(t.Context(), nil); err != nil || len(report.Notes) != 1 {
		t.Errorf("got notes %q, %v", report.Notes, err)
	}
}

func TestAudit_DoesNotBelieveWhatIsUnproven(t *testing.T) {
	t.Parallel()
	b := setup(t, sale, `
		CREATE VIEW shop.bound AS SELECT id FROM shop.sale; CREATE MATERIALIZED VIEW shop.kept AS SELECT id FROM shop.sale; CREATE VIEW shop.late AS SELECT id FROM shop.sale;
		COMMENT ON VIEW shop.late IS 'with no schema binding'; CREATE TABLE shop.guarded (id int); CREATE TABLE shop.masked (id int);
		ALTER TABLE shop.guarded ENABLE ROW LEVEL SECURITY; INSERT INTO redshift.masking VALUES ('shop', 'masked', 'hide');
		CREATE FUNCTION shop.ids() RETURNS SETOF int LANGUAGE sql AS 'SELECT id FROM shop.sale';
		GRANT USAGE ON SCHEMA shop TO PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA shop TO PUBLIC`)
	b.audited(t)
	b.remote(t, "CREATE ROLE @r_ann LOGIN")
	b.people(t, "@ann")
	for name, query := range map[string]string{
		"bound": "SELECT id FROM shop.bound", "kept": "SELECT id FROM shop.kept", "late": "SELECT id FROM shop.late", "guarded": "SELECT id FROM shop.guarded",
		"masked": "SELECT id FROM shop.masked", "called": "SELECT ids AS id FROM shop.ids()",
		"bare": "SELECT relname::varchar(64) AS id FROM pg_catalog.pg_class WHERE relname = 'sale'",
	} {
		view := b.add(t, name, query, b.prefix+"ann")
		got := b.audit(t, b.auditor(t, "@ann=@r_ann"), view)
		reason, unproven := map[string]string{
			"late": "shop.late is a late-binding view", "guarded": "shop.guarded has row-level security",
			"masked": "shop.masked has masking", "called": "reads from a function, shop.ids",
			"bare": "pg_catalog.pg_class is a catalog",
		}[name]
		if !unproven && !strings.HasPrefix(got, "@ann allowed <- ") {
			t.Errorf("%s: got %s", name, got)
		}
		if unproven && (!strings.HasPrefix(got, "@ann unproven: ") || !strings.Contains(got, reason)) {
			t.Errorf("%s: got %s", name, got)
		}
	}
	trusting := grants.New(b.pool, grants.Config{Mapping: b.mapping(t, "@ann=@r_ann"), AllowUnproven: true})
	if got := b.audit(t, trusting); strings.Count(got, "@ann allowed") != 7 || strings.Count(got, "allowed: ") != 5 {
		t.Errorf("trusting: got %s", got)
	}
	b.remote(t, "REVOKE SELECT ON shop.late FROM PUBLIC")
	if got := b.audit(t, trusting); !strings.Contains(got, "@ann forbidden: user @r_ann may not SELECT shop.late") {
		t.Errorf("trusting, without SELECT: got %s", got)
	}
}

func TestAudit_FailsWithTheLink(t *testing.T) {
	t.Parallel()
	b := setup(t, sale)
	b.add(t, "sale", "SELECT id FROM shop.sale")
	b.source.Pause()
	if _, err := b.auditor(t, "").Audit(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "connect through link dw") {
		t.Errorf("got %v", err)
	}
	var open int
	err := b.admin.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'`).Scan(&open)
	if err != nil || open != 0 {
		t.Errorf("%d transactions are open, %v", open, err)
	}
}

// Who reads a local view reads what its inputs come from.
func TestAudit_HoldsALocalViewAgainstWhatItIsComputedFrom(t *testing.T) {
	t.Parallel()
	b := setup(t, sale, `CREATE SCHEMA staff; CREATE TABLE staff.pay (id int, euros int)`,
		`CREATE USER @ann; CREATE USER @bob; GRANT USAGE ON SCHEMA shop, staff TO @ann, @bob;
		GRANT SELECT ON shop.sale TO @ann, @bob; GRANT SELECT ON staff.pay TO @bob`)
	b.audited(t)
	b.people(t, "@ann_here", "@bob_here")
	b.add(t, "sale", "SELECT id, price FROM shop.sale")
	b.add(t, "pay", "SELECT id, euros FROM staff.pay")
	add := func(name, query string) catalog.Name {
		v := catalog.NewView(catalog.Name{Schema: "bi", View: name}, catalog.Link{})
		v.Kind, v.Query, v.Strategy, v.Grantees = catalog.LocalSource, query, catalog.Swap, []string{b.prefix + "ann_here", b.prefix + "bob_here"}
		if _, err := b.definer.Add(t.Context(), v, false, nil); err != nil {
			t.Fatal(err)
		}
		return v.Name
	}
	both := add("both", "SELECT s.price + p.euros AS sum FROM bi.sale s JOIN bi.pay p ON p.id = s.id")
	above := add("above", "SELECT max(sum) AS most FROM bi.both")
	auditor := b.auditor(t, "@ann_here=@ann,@bob_here=@bob")
	for _, view := range []catalog.Name{both, above} {
		wantLines(t, b.audit(t, auditor, view),
			"@ann_here forbidden: user @ann may not SELECT staff.pay <- its own grant; the view's definition",
			"@bob_here allowed <- its own grant; the view's definition")
	}
	if _, _, err := auditor.Sync(t.Context(), []catalog.Name{above}, false); err != nil {
		t.Fatal(err)
	}
	wantLines(t, b.audit(t, auditor, above), "@bob_here allowed <- its own grant; the view's definition")
}
