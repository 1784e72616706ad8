package main

import "testing"

// A worker with nothing to do drops what a killed process has left behind, and not what somebody may still be at.
func TestWorker_DropsWhatWasLeftBehind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const adding = `WITH s AS (INSERT INTO redcache.set (touched_at) VALUES (now() - $2::interval) RETURNING id),
		v AS (INSERT INTO redcache.view (schema_name, view_name) VALUES ('bi', $1) RETURNING id)
		INSERT INTO redcache.generation (view_id, number, set_id, link_id, state, columns, definition)
		SELECT v.id, 1, s.id, 1, 'building', '[]', '{"strategy": "swap"}' FROM s, v`
	for name, silent := range map[string]string{"dead": "90 s", "alive": "-60 s"} {
		if _, err := b.pool.Exec(t.Context(), adding, name, silent); err != nil {
			t.Fatal(err)
		}
	}
	w := b.start(t)
	b.await(t, `SELECT string_agg(view_name, '') = 'alive' FROM redcache.view`)
	w.stop(t)
}
