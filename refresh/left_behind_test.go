package refresh_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// leaveBehind has a process that alters a view be killed when it has built the next generation, which it cannot publish yet.
func (b *bundle) leaveBehind(t *testing.T, name catalog.Name) {
	t.Helper()
	old := b.oldReader(t)
	d := b.doomed(t)
	d.after = math.MaxInt
	done := make(chan error, 1)
	go func() {
		_, err := refresh.NewDefiner(d.pool, d.runner).Alter(t.Context(), name,
			func(v *catalog.View) error { v.Indexes = []string{"batch"}; return nil }, false, nil)
		done <- err
	}()
	b.untilSome(t, someFilled)
	b.untilSome(t, `SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 'redcache.set'::regclass`)
	d.mu.Lock()
	d.dead = true
	d.mu.Unlock()
	b.terminate(t, `application_name = 'doomed'`)
	if err := await(t, done); err == nil {
		t.Error("the dead have altered a view")
	}
	leave(t, old)
}

// cleanUp changes nothing, which is when what others have left behind is looked for.
func (b *bundle) cleanUp(t *testing.T, name catalog.Name) {
	t.Helper()
	cleaner := refresh.NewDefiner(b.pool, refresh.NewRunner(b.pool, refresh.Config{Backoff: quick, Silence: time.Nanosecond}))
	if _, err := cleaner.Alter(t.Context(), name, func(*catalog.View) error { return nil }, false, nil); err != nil {
		t.Error(err)
	}
}

// A set that takes effect while somebody takes it for left behind keeps its generations.
func TestCleanUp_LeavesASetThatTakesEffectMeanwhile(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Merge, catalog.DblinkTransport)
	other := b.batchView("other", catalog.Merge, catalog.StreamTransport)
	b.add(t, other)
	b.leaveBehind(t, v.Name)
	const there = `SELECT to_regclass('redcache_data.v1_g2') IS NOT NULL`
	effect := b.begun(t, `UPDATE redcache.set SET published_at = clock_timestamp() WHERE published_at IS NULL`)
	b.cleanUp(t, other.Name)
	if got := rows(t, b.pool, there); !slices.Equal(got, []string{`"t" `}) {
		t.Error("its generation was dropped")
	}
	if err := effect.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.cleanUp(t, other.Name)
	if got := rows(t, b.pool, there); !slices.Equal(got, []string{`"f" `}) {
		t.Error("what has not taken effect is still there")
	}
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}

// Between two of its transactions nobody has a set's lock. A view that is being added is not taken for left behind then.
func TestAdd_WaitsBeforeItTakesAnotherForLeftBehind(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	v := b.batchView("item", catalog.Merge, catalog.StreamTransport)
	b.do(t, `
		WITH s AS (INSERT INTO redcache.set DEFAULT VALUES RETURNING id),
		     v AS (INSERT INTO redcache.view (schema_name, view_name) VALUES ('bi', 'item') RETURNING id),
		     t AS (INSERT INTO redcache.state (view_id) SELECT id FROM v)
		INSERT INTO redcache.generation (view_id, number, set_id, state, columns, definition) SELECT v.id, 1, s.id, 'building', '[]', '{}' FROM s, v`)
	begun := time.Now()
	b.add(t, v)
	if took := time.Since(begun); took < 1500*time.Millisecond {
		t.Errorf("after %s", took)
	}
	b.wantEqual(t, v)
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}
