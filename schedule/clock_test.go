package schedule_test

import (
	"testing"
	"time"

	"github.com/redcache/redcache/schedule"
)

// what a clock that was ahead has written: a view that is due in a year; one whose last run is yet to begin; a message that
// is on its way until next year; a link that rests as long. The last view is due in the ordinary way.
var ahead = []string{
	`UPDATE redcache.state SET next_due = now() + interval '1 year' WHERE view_id = 1`,
	`INSERT INTO redcache.run (view_id, generation, strategy, origin, state, started_at, finished_at)
	 VALUES (2, 1, 'nonconcurrent', 'cli', 'succeeded', now() + interval '9 minutes', now() + interval '10 minutes')`,
	`UPDATE redcache.state SET next_due = now() + interval '14 minutes', last_run_id = 1 WHERE view_id = 2`,
	`UPDATE redcache.state SET queued_until = now() + interval '1 year' WHERE view_id = 3`,
	`UPDATE redcache.state SET next_due = now() + interval '5 minutes' WHERE view_id = 4`,
	`UPDATE redcache.link_state SET rest_until = now() + interval '1 year', rest_reason = 'paused' WHERE link_id = 2`,
}

func (b *bundle) setAhead(t *testing.T) {
	t.Helper()
	b.addLink(t, "a", 4, "1 minute")
	b.addLink(t, "b", 1, "1 minute")
	b.exec(t, `INSERT INTO redcache.link_state (link_id) SELECT id FROM redcache.link ON CONFLICT DO NOTHING`)
	for _, statement := range ahead {
		b.exec(t, statement)
	}
}

func TestLoop_RefreshesWhatAClockThatWasAheadHasPutOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.setAhead(t)
	b.run(t, schedule.Config{Concurrency: 20})
	want := map[string]bool{"a.v1": true, "a.v2": true, "a.v3": true, "b.v1": true}
	late := time.After(patience)
	for len(want) > 0 {
		select {
		case name := <-b.fake.begun:
			if name == "a.v4" {
				t.Fatal("a view was refreshed that is not due")
			}
			delete(want, name)
		case <-late:
			t.Fatalf("never refreshed: %v", want)
		}
	}
	b.awaitLog(t, "the clock of the cache database has been set back")
}

func TestDispatch_SendsWhatAClockThatWasAheadHasPutOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.setAhead(t)
	q := &queue{}
	dispatch(t, b.dispatcher(q))
	wantViews(t, q, "a.v1", "a.v2", "a.v3", "b.v1")
	dispatch(t, b.dispatcher(q))
	wantViews(t, q)
}

func TestLoop_RefreshesWhatHasLostItsState(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addLink(t, "a", 2, "-1 minute")
	b.exec(t, `DELETE FROM redcache.state WHERE view_id = 2`)
	b.run(t, schedule.Config{Concurrency: 4})
	for late := time.After(patience); ; {
		select {
		case name := <-b.fake.begun:
			if name == "a.v2" {
				b.awaitLog(t, "somebody has deleted the state of views")
				return
			}
		case <-late:
			t.Fatal("a view whose state is gone is never refreshed")
		}
	}
}
