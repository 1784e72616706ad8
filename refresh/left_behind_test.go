package refresh_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

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

// What a killed process has built goes with the next change of a definition; nobody else's does.
func TestCleanUp_DropsWhatAKilledProcessHasBuilt(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Merge, catalog.DblinkTransport)
	other := b.batchView("other", catalog.Merge, catalog.StreamTransport)
	b.add(t, other)
	b.leaveBehind(t, v.Name)
	b.wantThere(t, "v1_g2", true)
	b.cleanUp(t, other.Name)
	b.wantThere(t, "v1_g2", false)
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}

func (b *bundle) wantThere(t *testing.T, generation string, want bool) {
	t.Helper()
	got := rows(t, b.pool, `SELECT to_regclass('redcache_data.`+generation+`') IS NOT NULL`)
	if !slices.Equal(got, []string{map[bool]string{true: `"t" `, false: `"f" `}[want]}) {
		t.Errorf("%s is there: %v", generation, got)
	}
}

// addedByHand is what somebody has stored who adds view bi.item, and has just said so.
const addedByHand = `
	WITH s AS (INSERT INTO redcache.set DEFAULT VALUES RETURNING id),
	     v AS (INSERT INTO redcache.view (schema_name, view_name) VALUES ('bi', 'item') RETURNING id),
	     t AS (INSERT INTO redcache.state (view_id) SELECT id FROM v)
	INSERT INTO redcache.generation (view_id, number, set_id, state, columns, definition)
	SELECT v.id, 1, s.id, 'filled', '[]', '{"source": {"query": "SELECT 1 AS id"}, "strategy": "swap"}' FROM s, v`

// asked tells when a query has been answered for the first time.
type asked struct {
	what string
	once sync.Once
	seen chan struct{}
}

type askedKey struct{}

// TraceQueryStart notes the query.
func (a *asked) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, askedKey{}, strings.Contains(data.SQL, a.what))
}

// TraceQueryEnd tells.
func (a *asked) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	if is, _ := ctx.Value(askedKey{}).(bool); is {
		a.once.Do(func() { close(a.seen) })
	}
}

// A set that takes effect while somebody takes it for left behind keeps its generations.
func TestAdd_LeavesAViewThatIsThereMeanwhile(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	b.do(t, addedByHand)
	b.exec(t, `CREATE TABLE redcache_data.v1_g1 (id integer)`)
	asked := &asked{what: "clock_timestamp() - s.touched_at", seen: make(chan struct{})}
	config := b.pool.Config()
	config.ConnConfig.Tracer = asked
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	done := make(chan error, 1)
	go func() {
		definer := refresh.NewDefiner(pool, refresh.NewRunner(pool, refresh.Config{Backoff: quick}))
		_, err := definer.Add(t.Context(), b.batchView("item", catalog.Merge, catalog.StreamTransport), false, nil)
		done <- err
	}()
	await(t, asked.seen) // how long nobody has said anything: it waits a moment now
	b.do(t, `UPDATE redcache.set SET published_at = clock_timestamp()`)
	if err := await(t, done); !errors.As(err, new(*catalog.ExistsError)) {
		t.Errorf("got %v", err)
	}
	b.wantThere(t, "v1_g1", true)
}

// Between two of its transactions nobody has a set's lock. A view that is being added is not taken for left behind then.
func TestAdd_WaitsBeforeItTakesAnotherForLeftBehind(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	v := b.batchView("item", catalog.Merge, catalog.StreamTransport)
	b.do(t, addedByHand)
	begun := time.Now()
	b.add(t, v)
	if took := time.Since(begun); took < 1500*time.Millisecond {
		t.Errorf("after %s", took)
	}
	b.wantEqual(t, v)
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}
