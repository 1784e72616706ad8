package doctor_test

import (
	"testing"
	"time"

	"github.com/redcache/redcache/doctor"
)

// many makes a thousand incremental views out of nothing, each with its generation, indexes and a hundred runs.
const many = `
INSERT INTO redcache.view (link_id, schema_name, view_name, query, columns, strategy, key, watermark, lookback,
    safety_lag, reconcile_every, refresh_every, max_age, timeout, indexes, grantees, nul_bytes)
SELECT l.id, 'bi', 'many' || n, 'SELECT 1',
    '[{"name": "id", "type": "bigint"}, {"name": "at", "type": "timestamp without time zone"}]',
    'incremental', '{id}', 'at', '10m', '0', '1 day', '5 min', '15 min', '1 hour', '{}', '{}', 'strip'
FROM redcache.link l, generate_series(1, 1000) n;
INSERT INTO redcache.state (view_id, generation, loaded, as_of, next_due, row_count)
SELECT id, 1, 1, now(), now() + interval '5 min', 1 FROM redcache.view;
INSERT INTO redcache.run (view_id, generation, strategy, state, origin, started_at, finished_at)
SELECT id, 1, 'incremental', 'succeeded', 'worker', now() - n * interval '5 min', now() - n * interval '5 min' + interval '1 s'
FROM redcache.view, generate_series(1, 100) n;
UPDATE redcache.state s SET last_run_id = (SELECT max(id) FROM redcache.run r WHERE r.view_id = s.view_id);
CREATE SCHEMA bi;
DO $$
DECLARE v record;
BEGIN
    FOR v IN SELECT id, view_name FROM redcache.view LOOP
        EXECUTE format('CREATE TABLE redcache_data.v%1$s_g1 (id bigint NOT NULL, at timestamp);
            INSERT INTO redcache_data.v%1$s_g1 VALUES (1, ''2026-01-01'');
            CREATE UNIQUE INDEX ON redcache_data.v%1$s_g1 (id); CREATE INDEX ON redcache_data.v%1$s_g1 (at);
            CREATE VIEW bi.%2$I AS SELECT id, at FROM redcache_data.v%1$s_g1', v.id, v.view_name);
    END LOOP;
END $$;
ANALYZE`

// It runs before the parallel tests, and the best of three counts: what other work costs is not the doctor's.
// docs/doctor.md has what was measured.
func TestExamine_AThousandViewsInFiveSeconds(t *testing.T) {
	b := setup(t)
	b.exec(t, many)
	var checks []doctor.Check
	best := time.Hour
	for range 3 {
		start := time.Now()
		checks = b.examine(t)
		best = min(best, time.Since(start))
	}
	t.Logf("1000 views: %s, %d checks", best, len(checks))
	if best > 5*time.Second {
		t.Errorf("took %s, want at most 5s", best)
	}
	wants(t, checks, "view-indexes", doctor.OK, "1000 views")
	wants(t, checks, "view-future", doctor.OK, "1000 watermarks in time")
	wants(t, checks, "view-unread", doctor.OK, "1000 views")
}
