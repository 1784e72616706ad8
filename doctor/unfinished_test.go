package doctor_test

import (
	"testing"

	"github.com/redcache/redcache/doctor"
)

// What a process was building that has ended is told; what somebody is building is none of that.
func TestViewUnfinished(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "sales", nil)
	b.wants(t, "view-unfinished", doctor.OK, "0 under way")
	b.exec(t, `WITH s AS (
			INSERT INTO redcache.set (application, begun_at, touched_at) VALUES ('cachectl ann', now() - interval '20 minutes', now()) RETURNING id
		), v AS (INSERT INTO redcache.view (schema_name, view_name) VALUES ('bi', 'item') RETURNING id)
		INSERT INTO redcache.generation (view_id, number, set_id, link_id, state, columns, definition)
		SELECT v.id, 1, s.id, 1, 'building', '[]', '{"strategy": "swap"}' FROM s, v
		UNION ALL SELECT 1, 7, s.id, 1, 'filled', '[]'::jsonb, '{"strategy": "swap"}'::jsonb FROM s`)
	b.wants(t, "view-unfinished", doctor.OK, "1 under way")
	b.exec(t, `UPDATE redcache.set SET touched_at = now() - interval '5 minutes' WHERE published_at IS NULL`)
	c := b.wants(t, "view-unfinished", doctor.Warning, "view bi.sales and 1 other",
		"cachectl ann adds bi.item and changes bi.sales: that began 20m", "nothing was heard of it for 5m", "so does a worker")
	if c.Theme != doctor.Views {
		t.Errorf("theme %s", c.Theme)
	}
	holder, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_xact_lock('redcache.set'::regclass::oid::bigint::bit(32)::integer, max(id)) FROM redcache.set`); err != nil {
		t.Fatal(err)
	}
	b.wants(t, "view-unfinished", doctor.OK, "1 under way") // he may wait for readers, for longer than a minute
	if err := holder.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.cfg.Link = "dw"
	b.wants(t, "view-unfinished", doctor.Warning)
}
