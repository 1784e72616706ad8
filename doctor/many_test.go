package doctor_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/doctor"
)

// many makes incremental views out of nothing, those from one number up to another, each with its generation, indexes and a hundred
// runs.
const many = `
BEGIN;
CREATE TEMP TABLE made AS SELECT n FROM generate_series(FIRST, LAST) n;
INSERT INTO redcache.view (schema_name, view_name) SELECT 'bi', 'many' || n FROM made;
CREATE TEMP VIEW made_view AS SELECT v.* FROM redcache.view v JOIN made ON v.view_name = 'many' || n;
INSERT INTO redcache.generation (view_id, number, link_id, state, columns, definition, as_of, row_count)
SELECT v.id, 1, l.id, 'published',
    '[{"name": "id", "type": "bigint"}, {"name": "at", "type": "timestamp without time zone"}]',
    '{"source": {"query": "SELECT 1"}, "strategy": "incremental", "key": ["id"], "watermark": "at", "lookback": "10m",
      "reconcile_every": 86400, "refresh_every": 300, "max_age": 900}', now(), 1
FROM redcache.link l, made_view v;
INSERT INTO redcache.state (view_id, next_due) SELECT id, now() + interval '5 min' FROM made_view;
COMMIT;
INSERT INTO redcache.run (view_id, generation, strategy, state, origin, started_at, finished_at)
SELECT id, 1, 'incremental', 'succeeded', 'worker', now() - n * interval '5 min', now() - n * interval '5 min' + interval '1 s'
FROM made_view, generate_series(1, 100) n;
UPDATE redcache.state s SET last_run_id = (SELECT max(id) FROM redcache.run r WHERE r.view_id = s.view_id);
CREATE SCHEMA IF NOT EXISTS bi;
DO $$
DECLARE v record;
BEGIN
    FOR v IN SELECT id, view_name FROM made_view LOOP
        EXECUTE format('CREATE TABLE redcache_data.v%1$s_g1 (id bigint NOT NULL, at timestamp);
            INSERT INTO redcache_data.v%1$s_g1 VALUES (1, ''2026-01-01'');
            CREATE UNIQUE INDEX ON redcache_data.v%1$s_g1 (id); CREATE INDEX ON redcache_data.v%1$s_g1 (at);
            CREATE VIEW bi.%2$I AS SELECT id, at FROM redcache_data.v%1$s_g1', v.id, v.view_name);
    END LOOP;
END $$;
DROP VIEW made_view;
DROP TABLE made;
ANALYZE`

// Its time grows with the views, and not with their square; docs/doctor.md has what was measured. It runs before the parallel tests,
// and the best of three counts: what other work costs is not the doctor's.
func TestExamine_AThousandViews(t *testing.T) {
	b := setup(t)
	examine := func(from, to int) (checks []doctor.Check, best time.Duration) {
		b.exec(t, strings.NewReplacer("FIRST", strconv.Itoa(from), "LAST", strconv.Itoa(to)).Replace(many))
		best = time.Hour
		for range 3 {
			start := time.Now()
			checks = b.examine(t)
			best = min(best, time.Since(start))
		}
		t.Logf("%d views: %s, %d checks", to, best, len(checks))
		return checks, best
	}
	_, few := examine(1, 200)
	checks, took := examine(201, 1000)
	if took > 8*few {
		t.Errorf("1000 views took %s, 200 took %s", took, few)
	}
	wants(t, checks, "view-indexes", doctor.OK, "1000 views")
	wants(t, checks, "view-future", doctor.OK, "1000 watermarks in time")
	wants(t, checks, "view-unread", doctor.OK, "1000 views")
}
