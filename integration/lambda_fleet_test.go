package integration_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/awssim"
	"github.com/redcache/redcache/internal/redshiftsim"
)

var fleetTime = flag.Duration("fleet", 15*time.Second, "how long dispatchers and refreshers work on 200 views; by hand 2m")

const (
	fleetViews       = 200
	fleetDispatchers = 2
	fleetRefreshers  = 8
	fleetDuplicates  = 0.1
)

// Two dispatchers and eight refreshers share 200 views, and one message in ten comes twice: every view stays fresh, and
// none is ever refreshed by two at once.
func TestLambda_FleetKeepsViewsFresh(t *testing.T) {
	t.Parallel()
	w := lambdaWorld(t)
	w.cloneViews(t)
	f := newFleet(t, w, fleetDispatchers, fleetRefreshers, awssim.QueueConfig{Duplicates: fleetDuplicates})
	watched := w.watchSource(t)
	mapping, stopMapping := f.start(t)
	sent, stopDispatching := f.dispatch(t)
	working := time.After(*fleetTime)
	for changing := true; changing; {
		select {
		case <-working:
			changing = false
		case <-time.After(500 * time.Millisecond): // the pace of the source
			w.change(t, `UPDATE public.item SET batch = batch + 1, updated_at = now() AT TIME ZONE 'UTC'`)
		}
	}
	var changed time.Time
	if err := w.pool.QueryRow(t.Context(), `SELECT clock_timestamp()`).Scan(&changed); err != nil {
		t.Fatal(err)
	}
	eventually(t, 2*patience, func() error {
		var old int
		err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM redcache.copy WHERE coalesce(as_of < $1, true)`, changed).Scan(&old)
		if err == nil && old > 0 {
			err = fmt.Errorf("%d views lack the last change", old)
		}
		return err
	})
	caughtUp := time.Since(changed)
	stopDispatching()
	f.drain(t)
	stopMapping()
	for _, r := range mapping.Results() {
		if r.Failed() {
			t.Error(r)
		}
	}
	w.wantAllEqual(t)
	w.wantNeverTwiceAtOnce(t)
	watched.wantNeverTwiceAtOnce(t)
	var runs int
	if err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM redcache.run WHERE state = 'succeeded'`).Scan(&runs); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d messages were sent for %d refreshes, in %d invocations; the last change was everywhere after %s",
		sent(), runs, len(mapping.Results()), caughtUp)
	// A copy that comes late may find the view due again, and do what the next message was sent for.
	if superfluous := sent() - runs; superfluous > sent()/20 {
		t.Errorf("%d messages were sent for %d refreshes, want a twentieth more at most", sent(), runs)
	}
	if dead := f.dead.Bodies(); len(dead) > 0 {
		t.Errorf("dead letters: %q", dead)
	}
	w.wantNothingLeftByTheNextRun(t)
}

// cloneViews makes 200 views of the two that there are, which nobody has filled. With cachectl it would take a minute.
func (w *world) cloneViews(t *testing.T) {
	t.Helper()
	_, err := w.pool.Exec(t.Context(), fmt.Sprintf(`
		WITH made AS (
		    INSERT INTO redcache.view (schema_name, view_name)
		    SELECT schema_name, view_name || n FROM redcache.view, generate_series(1, %d) n
		    RETURNING id, schema_name, view_name
		), defined AS (
		    INSERT INTO redcache.generation (view_id, number, link_id, state, columns, definition)
		    SELECT m.id, 1, g.link_id, 'building', g.columns, g.definition || '{"refresh_every": 5}'
		    FROM made m
		    JOIN redcache.view v ON v.schema_name = m.schema_name AND m.view_name ~ ('^' || v.view_name || '[0-9]+$')
		    JOIN redcache.generation g ON g.view_id = v.id AND g.number = v.generation
		)
		INSERT INTO redcache.state (view_id, next_due) SELECT id, now() FROM made`, fleetViews/len(lambdaViews)))
	if err != nil {
		t.Fatal(err)
	}
	for view := range lambdaViews {
		w.cachectl(t, "drop-view", view)
	}
}

// dispatch has each dispatcher look twice a second. sent is how many messages they have sent, once they are stopped.
func (f *fleet) dispatch(t *testing.T) (sent func() int, stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	counts := make([]int, len(f.dispatchers))
	for i, e := range f.dispatchers {
		all.Go(func() {
			tick := time.NewTicker(500 * time.Millisecond)
			defer tick.Stop()
			for ctx.Err() == nil {
				r, err := e.Invoke([]byte(`{}`))
				var n int
				if _, scanErr := fmt.Sscanf(string(r.Payload), `{"sent":%d}`, &n); errors.Join(err, scanErr) != nil {
					t.Errorf("dispatcher %d: %s, %v", i, r, err)
					return
				}
				counts[i] += n
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		})
	}
	sent = func() (total int) {
		for _, n := range counts {
			total += n
		}
		return total
	}
	stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
	})
	t.Cleanup(stop)
	return sent, stop
}

func (w *world) wantAllEqual(t *testing.T) {
	t.Helper()
	source := mustLines(t, w.engine, itemQuery)
	views := mustLines(t, w.pool, `SELECT schema_name || '.' || view_name FROM redcache.view`)
	if len(views) != fleetViews {
		t.Errorf("got %d views, want %d", len(views), fleetViews)
	}
	for _, line := range views {
		view := strings.Trim(line, `"|`)
		if !slices.Equal(source, mustLines(t, w.pool, "SELECT * FROM "+view)) {
			t.Errorf("view %s differs from its source", view)
		}
	}
}

// wantNeverTwiceAtOnce looks into the history.
func (w *world) wantNeverTwiceAtOnce(t *testing.T) {
	t.Helper()
	for what, query := range map[string]string{
		"refreshed by two at once": `
			SELECT a.view_id, a.id, b.id
			FROM redcache.run a
			JOIN redcache.run b ON b.view_id = a.view_id AND b.id <> a.id
			     AND a.started_at <= b.started_at AND b.started_at < a.finished_at
			WHERE a.state <> 'skipped' AND b.state <> 'skipped'`,
		"ended otherwise than well": `SELECT id, state, error FROM redcache.run WHERE state NOT IN ('succeeded', 'skipped', 'unchanged')`,
	} {
		if found := mustLines(t, w.pool, query); len(found) > 0 {
			t.Errorf("%s: %d, for instance %q", what, len(found), found[:min(len(found), 3)])
		}
	}
}

// sourceWatch collects the reads that the source was asked for; its own log forgets them after a while.
type sourceWatch struct {
	mu    sync.Mutex
	reads map[string]redshiftsim.Statement // by session and start
	stop  func()
}

func (w *world) watchSource(t *testing.T) *sourceWatch {
	watch := &sourceWatch{reads: map[string]redshiftsim.Statement{}}
	ctx, cancel := context.WithCancel(t.Context())
	ended, began := make(chan struct{}), time.Now()
	collect := func() {
		watch.mu.Lock()
		defer watch.mu.Unlock()
		for _, s := range w.source.Statements() {
			if s.Start.After(began) && strings.Contains(s.SQL, "public.source") && strings.HasPrefix(s.QueryGroup, "redcache ") {
				watch.reads[fmt.Sprint(s.Session, s.Start)] = s
			}
		}
	}
	go func() {
		defer close(ended)
		tick := time.NewTicker(2 * time.Second)
		defer tick.Stop()
		for {
			collect()
			select {
			case <-tick.C:
			case <-ctx.Done():
				collect()
				return
			}
		}
	}()
	watch.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	t.Cleanup(watch.stop)
	return watch
}

// wantNeverTwiceAtOnce looks into what the source was asked for.
func (s *sourceWatch) wantNeverTwiceAtOnce(t *testing.T) {
	t.Helper()
	s.stop()
	byView := map[string][]redshiftsim.Statement{}
	for _, read := range s.reads {
		byView[read.QueryGroup] = append(byView[read.QueryGroup], read)
	}
	if len(byView) != fleetViews {
		t.Errorf("the source was asked for %d views, want %d", len(byView), fleetViews)
	}
	for view, reads := range byView {
		slices.SortFunc(reads, func(a, b redshiftsim.Statement) int { return a.Start.Compare(b.Start) })
		for i, read := range reads[1:] {
			if before := reads[i]; before.Session != read.Session && (before.End.IsZero() || before.End.After(read.Start)) {
				t.Errorf("%s: session %d reads from %s until %s, and session %d from %s",
					view, before.Session, before.Start, before.End, read.Session, read.Start)
			}
		}
	}
}
