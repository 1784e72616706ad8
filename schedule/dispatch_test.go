package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redcache/redcache/schedule"
)

// queue is a Queue that keeps what it takes, and does what the test says first.
type queue struct {
	mu     sync.Mutex
	refuse func(bodies []string) (failed []int, err error)
	taken  []string
}

func (q *queue) Send(_ context.Context, _ string, bodies []string) (failed []int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.refuse != nil {
		failed, err = q.refuse(bodies)
	}
	for i, body := range bodies {
		if !slices.Contains(failed, i) {
			q.taken = append(q.taken, body)
		}
	}
	return failed, err
}

// views returns the views that messages were taken for, in order, and forgets them.
func (q *queue) views(t testing.TB) []string {
	t.Helper()
	q.mu.Lock()
	defer q.mu.Unlock()
	names := []string{}
	for _, body := range q.taken {
		claim, err := schedule.Decode([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
		}
		names = append(names, claim.Name.String())
	}
	q.taken = nil
	return names
}

func (b *bundle) dispatcher(q *queue) *schedule.Dispatcher {
	return schedule.NewDispatcher(b.store, q, schedule.DispatchConfig{Log: slog.New(slog.NewTextHandler(b.log, nil))})
}

func dispatch(t testing.TB, d *schedule.Dispatcher) {
	t.Helper()
	if _, err := d.Dispatch(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func wantViews(t testing.TB, q *queue, want ...string) {
	t.Helper()
	got := q.views(t)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got messages for %v, want %v", got, want)
	}
}

func TestDispatch_SendsOneMessageForEachDueView(t *testing.T) {
	t.Parallel()
	b, q := setup(t), &queue{}
	b.addLink(t, "a", 3, "1 hour")
	b.addLink(t, "z", 1, "-1 hour")
	d := b.dispatcher(q)
	dispatch(t, d)
	if got, want := q.views(t), []string{"a.v1", "a.v2", "a.v3"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v: the longest overdue first", got, want)
	}
	dispatch(t, d)
	wantViews(t, q) // they are on their way
	b.exec(t, `UPDATE redcache.state SET queued_until = now() - interval '1 s' WHERE view_id = 2`)
	dispatch(t, d)
	wantViews(t, q, "a.v2") // whose message seems to be lost
	if err := b.store.Unclaim(t.Context()); err != nil {
		t.Error(err)
	}
	dispatch(t, d)
	wantViews(t, q)
}

func TestDispatch_LeavesOutWhatIsRefreshedOrRests(t *testing.T) {
	t.Parallel()
	b, q := setup(t), &queue{}
	b.addLink(t, "a", 2, "1 hour")
	b.addLink(t, "b", 2, "1 hour")
	b.exec(t, `INSERT INTO redcache.link_state (link_id) SELECT id FROM redcache.link ON CONFLICT DO NOTHING`)
	b.exec(t, `UPDATE redcache.link_state SET rest_until = now() + interval '1 h', rest_reason = 'paused' WHERE link_id = 2`)
	tx, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background()) //nolint:errcheck // nothing is lost
	if _, err := tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock('redcache.view'::regclass::integer, 1)`); err != nil {
		t.Fatal(err)
	}
	dispatch(t, b.dispatcher(q))
	wantViews(t, q, "a.v2")
}

// Dispatchers that look at the same time share what is due out among them.
func TestDispatch_ClaimsEachViewOnce(t *testing.T) {
	t.Parallel()
	b, q := setup(t), &queue{}
	b.addLink(t, "a", 200, "1 hour")
	b.exec(t, `UPDATE redcache.link SET max_concurrency = 64`)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				if _, err := b.dispatcher(q).Dispatch(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	got := q.views(t)
	slices.Sort(got)
	if len(got) != 200 || len(slices.Compact(got)) != 200 {
		t.Errorf("got %d messages for %d views, want 200 for 200", len(got), len(slices.Compact(got)))
	}
}

func TestDispatch_SendsAGroupOnce(t *testing.T) {
	t.Parallel()
	b, q := setup(t), &queue{}
	b.addLink(t, "a", 4, "1 hour")
	b.exec(t, `UPDATE redcache.generation SET definition = definition || '{"group": "g"}' WHERE view_id <= 3`)
	b.exec(t, `UPDATE redcache.state SET next_due = now() + interval '1 h' WHERE view_id = 1`)
	d := b.dispatcher(q)
	dispatch(t, d)
	wantViews(t, q, "a.v2", "a.v4")
	b.exec(t, `UPDATE redcache.state SET next_due = now() - interval '1 h' WHERE view_id = 1`)
	dispatch(t, d)
	wantViews(t, q) // the group is on its way already
}

// A link gets as many messages as its slots can work off, so that one that is slow does not fill the queue.
func TestDispatch_SendsNoMoreThanALinkCanDo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		took string // by each view's last run
		want []int  // messages of looks, between which two are done
	}{
		{"nothing is known", "", []int{24, 2}}, // ten seconds each: two slots do 24 in two minutes
		{"quick", "100 ms", []int{40, 0}},
		{"a minute each", "1 min", []int{4, 2}},
		{"longer than that", "1 h", []int{2, 2}}, // but none of the slots is idle
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, q := setup(t), &queue{}
			b.addLink(t, "a", 40, "1 hour")
			b.exec(t, `UPDATE redcache.link SET max_concurrency = 2`)
			if tt.took != "" {
				b.exec(t, `
					WITH run AS (
					    INSERT INTO redcache.run (view_id, generation, strategy, origin, state, started_at, finished_at)
					    SELECT id, 1, 'nonconcurrent', 'test', 'succeeded', now() - $1::interval, now() FROM redcache.view
					    RETURNING id, view_id
					)
					UPDATE redcache.state s SET last_run_id = run.id FROM run WHERE run.view_id = s.view_id`, tt.took)
			}
			d := b.dispatcher(q)
			for i, want := range tt.want {
				dispatch(t, d)
				if got := len(q.views(t)); got != want {
					t.Fatalf("look %d: got %d messages, want %d", i+1, got, want)
				}
				b.exec(t, `
					UPDATE redcache.state SET queued_until = NULL, next_due = now() + interval '1 h'
					WHERE view_id IN (SELECT view_id FROM redcache.state WHERE queued_until IS NOT NULL ORDER BY 1 LIMIT 2)`)
			}
		})
	}
}

func TestDispatch_TriesAgainWhatCouldNotBeSent(t *testing.T) {
	t.Parallel()
	gone := errors.New("the queue is gone")
	for _, tt := range []struct {
		name   string
		refuse func(bodies []string) ([]int, error)
		sent   []string
		want   string
	}{
		{
			"some", func([]string) ([]int, error) { return []int{1}, nil },
			[]string{"a.v1", "a.v3"},
			"send messages: 1 of 3 were not taken: the queue refused them",
		},
		{
			"all", func([]string) ([]int, error) { return []int{0, 1, 2}, gone },
			nil, "send messages: 3 of 3 were not taken: the queue is gone",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, q := setup(t), &queue{refuse: tt.refuse}
			b.addLink(t, "a", 3, "1 hour")
			ctx, cancel := context.WithCancel(t.Context())
			refuse := q.refuse
			q.refuse = func(bodies []string) ([]int, error) {
				cancel() // the function's time is over just now
				return refuse(bodies)
			}
			if _, err := b.dispatcher(q).Dispatch(ctx); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			wantViews(t, q, tt.sent...)
			q.refuse = nil
			dispatch(t, b.dispatcher(q))
			var rest []string
			for n := range 3 {
				if name := fmt.Sprint("a.v", n+1); !slices.Contains(tt.sent, name) {
					rest = append(rest, name)
				}
			}
			wantViews(t, q, rest...)
		})
	}
}

func TestDispatch_SaysWhenTheDatabaseIsGone(t *testing.T) {
	t.Parallel()
	b, q := setup(t), &queue{}
	b.pool.Close()
	if _, err := b.dispatcher(q).Dispatch(t.Context()); err == nil || !strings.Contains(err.Error(), "claim due views") {
		t.Errorf("got %v", err)
	}
}

// Among 10,000 views, one in ten due: as quick as a worker's look.
func TestDispatch_IsQuickAmongTenThousand(t *testing.T) {
	t.Parallel()
	b := setupMany(t)
	b.dueEvery(t, 10)
	claim := func() time.Duration {
		started := time.Now()
		due, err := b.store.Claim(t.Context(), 1000, time.Minute, time.Hour)
		took := time.Since(started)
		if err != nil || len(due) != 1000 {
			t.Fatalf("got %d views, %v, want 1000", len(due), err)
		}
		b.exec(t, `UPDATE redcache.state SET queued_until = NULL`)
		return took
	}
	if got := fastest(5*lookLimit, claim); got > 5*lookLimit {
		t.Errorf("claiming 1000 views took %s at least, want at most %s", got, 5*lookLimit)
	}
}
