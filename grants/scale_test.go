package grants_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/grants"
)

// A thousand views and fifty readers are looked at within seconds: statements to either side do not grow with the
// product of the two, only with the views (one plan each).
func TestAudit_LooksAtAThousandViewsAtOnce(t *testing.T) {
	t.Parallel()
	const views, readers, limit = 1000, 50, 90 * time.Second
	b := setup(t, sale, fmt.Sprintf(`DO $$ BEGIN
		FOR i IN 1..%d LOOP EXECUTE format('CREATE TABLE shop.t%%s (id int, price int)', i); END LOOP; END $$;
		GRANT USAGE ON SCHEMA shop TO PUBLIC`, views))
	b.audited(t)
	var mapping, grantees []string
	for i := range readers {
		mapping = append(mapping, fmt.Sprintf("@p%d=@r_p%d", i, i))
		grantees = append(grantees, fmt.Sprintf("@p%d", i))
		b.super(t, fmt.Sprintf("CREATE ROLE @p%d LOGIN; CREATE ROLE @r_p%d LOGIN", i, i))
		if i > 0 {
			b.remote(t, fmt.Sprintf("GRANT SELECT ON ALL TABLES IN SCHEMA shop TO @r_p%d", i))
		}
	}
	v := b.add(t, "first", "SELECT id, price FROM shop.sale")
	b.local(t, fmt.Sprintf(`
		BEGIN;
		INSERT INTO redcache.view (schema_name, view_name) SELECT schema_name, 'v' || i FROM redcache.view, generate_series(1, %d) i;
		INSERT INTO redcache.generation (view_id, number, link_id, state, columns, definition)
		SELECT v.id, 1, g.link_id, 'published', g.columns,
			jsonb_set(g.definition, '{source,query}', to_jsonb('SELECT id, price FROM shop.t' || substr(v.view_name, 2)))
		FROM redcache.view v, redcache.generation g WHERE v.view_name <> '%[2]s';
		INSERT INTO redcache.state (view_id) SELECT id FROM redcache.view WHERE view_name <> '%[2]s';
		COMMIT;
		DO $$ BEGIN FOR i IN 1..%[1]d LOOP
			EXECUTE format('CREATE VIEW bi.v%%s AS SELECT * FROM redcache_data.v1_g1; GRANT SELECT ON bi.v%%s TO %[3]s', i, i);
		END LOOP; END $$;
		GRANT USAGE ON SCHEMA bi TO %[3]s`, views, v.View, strings.Join(grantees, ", ")))
	start := time.Now()
	report, err := b.auditor(t, strings.Join(mapping, ",")).Audit(t.Context(), nil)
	took := time.Since(start)
	if err != nil {
		t.Fatal(err)
	}
	allowed, excess := 0, 0
	for _, a := range report.Audits {
		for _, r := range a.Readers {
			switch {
			case !strings.HasPrefix(r.Role, b.prefix+"p"):
			case r.Verdict == grants.Allowed:
				allowed++
			case r.Excess():
				excess++
			}
		}
	}
	if allowed != (views+1)*(readers-1) || excess != views+1 { // and the first one
		t.Errorf("got %d allowed and %d excess", allowed, excess)
	}
	t.Logf("%d views and %d readers in %s", views, readers, took.Round(time.Millisecond))
	if took > limit {
		t.Errorf("took %s, want less than %s", took, limit)
	}
}
