package integration_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/pgtest"
)

const (
	contendedViews = 20
	contendedRows  = 100
	contention     = 5 * time.Minute // at most
	// slow is what each statement on the source waits, so that refreshes take long enough to meet.
	slow = 30 * time.Millisecond
)

// Two workers and three loops of cachectl refresh the same views as fast as they can, while the source changes.
func TestContention_NoViewIsRefreshedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Config{})
	w.addContended(t)
	before := w.runs(t, 0)
	first := before[len(before)-1].ID
	w.source.Delay(slow)
	seen := w.sample(t)
	workers := []*process{w.worker(t), w.worker(t)}

	w.refreshInLoops(t, crowd{since: first, written: 1000, met: 200, least: contentionTime(t)})

	for _, worker := range workers {
		worker.stop(t)
	}
	seen.stop(t)
	w.source.Delay(0)
	runs := w.runs(t, first)
	wantTurns(t, runs)
	wantHoldersNamed(t, runs)
	wantRemoteTurns(t, seen)
	w.wantNothingLeftByTheNextRun(t)
	w.cachectl(t, "refresh", "--all", "--wait", "30s")
	w.wantContendedFresh(t)
}

// crowd is what has to have happened, since a run, before the loops end: so many runs have written, and so many have met
// one that did. On a quick machine that takes a quarter of a minute.
type crowd struct {
	since        int64
	written, met int
	least        time.Duration
}

// await returns when it has happened, or when the test has failed or has waited for long.
func (c crowd) await(t *testing.T, w *world) {
	t.Helper()
	const enough = `
		SELECT count(*) FILTER (WHERE state = 'succeeded') >= $2 AND count(*) FILTER (WHERE state = 'skipped') >= $3
		   AND count(DISTINCT view_id) FILTER (WHERE state = 'succeeded') >= $4
		   AND count(*) FILTER (WHERE state = 'succeeded' AND origin = 'cli') >= $4
		   AND count(*) FILTER (WHERE state = 'succeeded' AND origin = 'worker') >= $4
		FROM redcache.run WHERE id > $1`
	begun, tick := time.Now(), time.NewTicker(200*time.Millisecond)
	defer tick.Stop()
	for happened := false; !t.Failed() && time.Since(begun) < max(contention, c.least); <-tick.C {
		if happened && time.Since(begun) >= c.least {
			return
		}
		err := w.pool.QueryRow(t.Context(), enough, c.since, c.written, c.met, contendedViews).Scan(&happened)
		if err != nil {
			t.Error(err)
		}
	}
}

// contentionTime is how long the crowd goes on at least, which REDCACHE_TEST_CONTENTION may say.
func contentionTime(t *testing.T) time.Duration {
	t.Helper()
	text := cmp.Or(os.Getenv("REDCACHE_TEST_CONTENTION"), "0s")
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("REDCACHE_TEST_CONTENTION: %v", err)
	}
	return d
}

func contended(n int) (view, table string) {
	return fmt.Sprintf("crowd.v%02d", n), fmt.Sprintf("public.t%02d", n)
}

// addContended adds the views, each strategy's in turn.
func (w *world) addContended(t *testing.T) {
	t.Helper()
	strategies := [][]string{
		{"--strategy", "nonconcurrent"},
		{"--strategy", "concurrent", "--key", "id"},
		{"--strategy", "incremental", "--key", "id", "--watermark", "updated_at", "--lookback", "5m"},
		{"--strategy", "swap", "--key", "id"},
		{"--strategy", "merge", "--key", "id"},
	}
	for n := range contendedViews {
		view, table := contended(n)
		w.change(t, fmt.Sprintf(`
			CREATE TABLE %s AS SELECT id, 0 AS value, clock_timestamp() AT TIME ZONE 'UTC' AS updated_at
			FROM generate_series(1, %d) id`, table, contendedRows))
		args := []string{"add-view", view, "--link", "dw", "--table", table, "--every", "1s", "--max-age", "1m"}
		w.cachectl(t, append(args, strategies[n%len(strategies)]...)...)
	}
}

// refreshInLoops runs three loops, each in an order of its own, and changes the source meanwhile, until enough has
// happened.
func (w *world) refreshInLoops(t *testing.T, until crowd) {
	t.Helper()
	var over atomic.Bool
	var loops sync.WaitGroup
	loops.Go(func() {
		until.await(t, w)
		over.Store(true)
	})
	for n := range 3 {
		order := []string{"--all"}
		if n > 0 {
			order = order[:0]
			for _, i := range rand.Perm(contendedViews) {
				view, _ := contended(i)
				order = append(order, view)
			}
		}
		loops.Go(func() {
			for !over.Load() {
				p := w.start(t, nil, "cachectl", append([]string{"refresh"}, order...)...)
				<-p.ended
				if code := p.cmd.ProcessState.ExitCode(); code != 0 {
					t.Errorf("cachectl refresh: exit status %d", code)
				}
			}
		})
	}
	loops.Go(func() {
		for n := 0; !over.Load(); n++ {
			_, table := contended(n % contendedViews)
			_, err := w.engine.Exec(t.Context(), fmt.Sprintf(`
				UPDATE %s SET value = value + 1, updated_at = clock_timestamp() AT TIME ZONE 'UTC'
				WHERE id %% 7 = $1`, table), n%7)
			if err != nil {
				t.Error(err)
			}
		}
	})
	loops.Wait()
}

// wantTurns proves from the history that runs of one view which wrote were one after the other, and that all runs
// either wrote or were skipped.
func wantTurns(t *testing.T, runs []pastRun) {
	t.Helper()
	count, origins := map[string]int{}, map[string]int{}
	last := map[string]pastRun{}
	slices.SortFunc(runs, func(a, b pastRun) int { return a.StartedAt.Compare(b.StartedAt) })
	for _, r := range runs {
		count[r.State]++
		switch r.State {
		case "skipped":
			continue
		case "succeeded":
			origins[r.Origin]++
		default:
			t.Errorf("run %d of %s is %s: %v", r.ID, r.View, r.State, text(r.Error))
			continue
		}
		if before, ok := last[r.View]; ok && r.StartedAt.Before(*before.FinishedAt) {
			t.Errorf("view %s: run %d started %s before run %d had finished", r.View, r.ID,
				before.FinishedAt.Sub(r.StartedAt), before.ID)
		}
		last[r.View] = r
	}
	t.Logf("runs: %v, succeeded: %v", count, origins)
	if len(last) != contendedViews || origins["cli"] < contendedViews || origins["worker"] < contendedViews {
		t.Errorf("%d views were refreshed, %v times: too little to prove anything", len(last), origins)
	}
	if count["skipped"] < contendedViews {
		t.Errorf("%d runs were skipped: too few have met", count["skipped"])
	}
}

func text(s *string) string {
	if s == nil {
		return "NULL"
	}
	return *s
}

// holder is how a skipped run names who had the view; since when cannot be told of a transaction that has just ended.
var holder = regexp.MustCompile(`^pid (\d+) \((?:redcache worker|cachectl) .+?\)(?: since \d\d:\d\d:\d\d UTC)?$`)

// wantHoldersNamed wants each skipped run to say who had the view, by a pid and a name, and wants those that it can
// still tell to be right: a run of that backend was under way then. A holder may also be tidying up behind its run,
// over whatever connection its pool gave it.
func wantHoldersNamed(t *testing.T, runs []pastRun) {
	t.Helper()
	skipped, confirmed := 0, 0
	for _, r := range runs {
		if r.State != "skipped" {
			continue
		}
		skipped++
		named := holder.FindStringSubmatch(text(r.Holder))
		if named == nil {
			t.Errorf("skipped run %d of %s does not name its holder: %s", r.ID, r.View, text(r.Holder))
			continue
		}
		pid, _ := strconv.Atoi(named[1]) // it is digits
		if slices.ContainsFunc(runs, func(other pastRun) bool { return other.holds(r, pid) }) {
			confirmed++
		}
	}
	if confirmed*2 < skipped {
		t.Errorf("of %d skipped runs only %d name somebody who was at it", skipped, confirmed)
	}
}

// holds says whether the run could have stood in the way of another one. The lock is had a little longer than the
// history says, at both ends.
func (r pastRun) holds(skipped pastRun, pid int) bool {
	const margin = time.Second
	return r.View == skipped.View && r.State == "succeeded" && r.PID != nil && *r.PID == pid &&
		r.StartedAt.Add(-margin).Before(skipped.StartedAt) && r.FinishedAt.Add(margin).After(skipped.StartedAt)
}

// span is the time from a remote session's first statement for a view to the end of its last.
type span struct {
	session    int
	start, end time.Time
}

// wantRemoteTurns proves from the stand-in's log that the sessions of one view were one after the other.
func wantRemoteTurns(t *testing.T, s *samples) {
	t.Helper()
	views := map[string]map[int]span{}
	for _, st := range s.statements {
		if !strings.HasPrefix(st.QueryGroup, "redcache crowd.") {
			continue
		}
		if st.End.IsZero() {
			t.Errorf("statement of %s has not ended: %s", st.QueryGroup, st.SQL)
		}
		if views[st.QueryGroup] == nil {
			views[st.QueryGroup] = map[int]span{}
		}
		sp, seen := views[st.QueryGroup][st.Session]
		if !seen {
			sp = span{st.Session, st.Start, st.End}
		}
		if st.Start.Before(sp.start) {
			sp.start = st.Start
		}
		if st.End.After(sp.end) {
			sp.end = st.End
		}
		views[st.QueryGroup][st.Session] = sp
	}
	if len(views) != contendedViews {
		t.Errorf("the source was asked for %d views, want %d", len(views), contendedViews)
	}
	for view, sessions := range views {
		spans := slices.SortedFunc(maps.Values(sessions), func(a, b span) int { return a.start.Compare(b.start) })
		for i := 1; i < len(spans); i++ {
			if spans[i].start.Before(spans[i-1].end) {
				t.Errorf("%s: session %d read before session %d had ended", view, spans[i].session, spans[i-1].session)
			}
		}
	}
}

// wantContendedFresh wants every copy to keep its promise and to equal its source.
func (w *world) wantContendedFresh(t *testing.T) {
	t.Helper()
	const fresh = `SELECT view FROM redcache.freshness WHERE NOT stale AND last_state = 'succeeded' AND last_error IS NULL`
	if got := mustLines(t, w.pool, fresh); len(got) != contendedViews {
		t.Errorf("%d of %d views are fresh: %v", len(got), contendedViews, got)
	}
	for n := range contendedViews {
		view, table := contended(n)
		w.wantEqual(t, view, "SELECT * FROM "+table)
	}
}
