package main

import (
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
)

func TestWorker_IsAsPatientWithASwitchAsItIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addView(t, "swapped", catalog.Swap, 100*time.Millisecond)
	first := b.start(t)
	b.awaitRuns(t, catalog.Succeeded, 1)
	first.stop(t)
	reader, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Exec(t.Context(), `SELECT FROM bi.swapped LIMIT 1`); err != nil {
		t.Fatal(err)
	}
	b.change(t, `DELETE FROM public.sales WHERE id = 1`)
	second := b.start(t, "REDCACHE_SWITCH_PATIENCE=200ms")
	b.await(t, `SELECT count(*) > 0 FROM redcache.run WHERE strategy = 'merge' AND state = 'succeeded'
		AND rows_deleted = 1 AND reason ~ 'readers kept it in use for 200ms' AND waited > '200ms'`)
	b.await(t, `SELECT count(*) = $1 FROM bi.swapped`, sourceRows-1)
	if err := reader.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	second.stop(t)
	b.wantNothingLeft(t)
}

func TestWorker_TrustsWhatRedshiftNotedUpToTheLag(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.source.TrackChanges(t, "public.sales")
	b.addView(t, "skipped", catalog.Swap, 100*time.Millisecond)
	if _, err := b.pool.Exec(t.Context(), `UPDATE redcache.generation SET definition = jsonb_set(definition, '{source,skip_unchanged}', '"modified"')`); err != nil {
		t.Fatal(err)
	}
	w := b.start(t, "REDCACHE_MODIFIED_LAG=1s")
	b.await(t, `SELECT count(*) > 0 FROM redcache.run r JOIN redcache.run f ON f.state = 'succeeded'
		WHERE r.state = 'unchanged' AND r.as_of > f.as_of AND r.finished_at - r.as_of BETWEEN '1s' AND '10s'`)
	w.stop(t)
	b.wantNone(t, "reads of what is unchanged", `SELECT state FROM redcache.run WHERE state <> 'unchanged' OFFSET 1`)
	b.wantNothingLeft(t)
}
