package integration_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/internal/pgtest"
)

const (
	items     = 400
	itemQuery = "SELECT id, batch, note, updated_at FROM public.item"
	// slowly is the rows a second at which a refresh takes ten seconds, long enough to break something in its middle.
	slowly = 40
)

// chaosViews has one view for each strategy, all of the same table.
var chaosViews = []struct {
	name  string
	waits bool // its readers wait while it is refreshed
	flags []string
}{
	{"chaos.nonconcurrent", true, []string{"--strategy", "nonconcurrent"}},
	{"chaos.concurrent", false, []string{"--strategy", "concurrent", "--key", "id"}},
	{"chaos.incremental", false, []string{"--strategy", "incremental", "--key", "id", "--watermark", "updated_at"}},
	{"chaos.swap", false, []string{"--strategy", "swap", "--key", "id"}},
	{"chaos.merge", false, []string{"--strategy", "merge", "--key", "id"}},
}

// chaos is a world whose source changes as a whole: every row of table item belongs to the same batch, so a copy with
// rows of two batches, of a batch that was never committed, or of one older than readers have seen, is wrong.
type chaos struct {
	*world
	batch   atomic.Int64 // of the source
	readers map[string]*reader
	lastRun int64
}

func TestChaos_OldRowsStayAndTheNextRunRepairs(t *testing.T) {
	t.Parallel()
	newChaos(t).sufferAll(t, disasters)
}

func (c *chaos) sufferAll(t *testing.T, disasters []disaster) {
	t.Helper()
	for _, d := range disasters {
		if !t.Run(d.name, func(t *testing.T) { c.suffer(t, d) }) {
			break // what comes after would fail for the same reason
		}
	}
}

// A cut in the middle of the rows, row by row the same for each strategy.
func TestChaos_CutInTheMiddleOfTheRows(t *testing.T) {
	t.Parallel()
	c := newChaos(t)
	for _, v := range chaosViews {
		c.nextBatch(t)
		c.source.DropAfter(items / 2)
		var runs []pastRun
		out := c.cachectl(t, "refresh", v.name, "--json")
		if err := json.Unmarshal([]byte(out), &runs); err != nil {
			t.Fatal(err)
		}
		if len(runs) != 1 || runs[0].State != "succeeded" || runs[0].Attempts != 2 {
			t.Errorf("%s: got %s, want success with the second attempt", v.name, out)
		}
		c.wantEqual(t, v.name, itemQuery)
	}
	c.wantNothingLeft(t)
}

func newChaos(t *testing.T) *chaos {
	t.Helper()
	durable := map[string]string{"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
	return newWorld(t, pgtest.Config{Settings: durable}, itemTable).chaos(t)
}

// itemTable makes what all views of a chaos read.
var itemTable = fmt.Sprintf(`
	CREATE TABLE public.item AS
	SELECT id, 0 AS batch, CAST(repeat('x', 100) AS varchar(100)) AS note, now() AT TIME ZONE 'UTC' AS updated_at
	FROM generate_series(1, %d) id`, items)

// chaos adds views and readers to a world whose source has the item table.
func (w *world) chaos(t *testing.T) *chaos {
	t.Helper()
	c := &chaos{readers: map[string]*reader{}, world: w}
	for _, v := range chaosViews {
		args := []string{"add-view", v.name, "--link", "dw", "--query", itemQuery, "--every", "1s", "--timeout", "1m", "--grant", pgtest.Reader}
		c.cachectl(t, append(args, v.flags...)...)
		c.follow(t, v.name)
	}
	return c
}

// nextBatch changes all rows of the source, in one transaction.
func (c *chaos) nextBatch(t *testing.T) {
	t.Helper()
	next := c.batch.Add(1) // first, as it says what readers may see at most
	c.change(t, `UPDATE public.item SET batch = $1, updated_at = now() AT TIME ZONE 'UTC'`, next)
}

// follow reads a view until the end of the test.
func (c *chaos) follow(t *testing.T, view string) {
	t.Helper()
	var seen int64
	r, stop := c.keepReading(t, view, func(ctx context.Context, conn *pgx.Conn) error {
		var count, low, high int64
		err := conn.QueryRow(ctx, `SELECT count(DISTINCT id), coalesce(min(batch), -1), coalesce(max(batch), -1) FROM `+view).
			Scan(&count, &low, &high)
		if err != nil {
			return err
		}
		if count != items || low != high || low < seen || high > c.batch.Load() {
			return wrongRows("%d rows of the batches %d to %d, after batch %d was seen", count, low, high, seen)
		}
		seen = high
		return nil
	})
	c.readers[view] = r
	t.Cleanup(stop)
}

func (c *chaos) suffer(t *testing.T, d disaster) {
	if all := c.runs(t, 0); len(all) > 0 {
		c.lastRun = all[len(all)-1].ID
	}
	c.nextBatch(t)
	c.source.Throttle(slowly)
	began := time.Now()
	refreshing := []*process(nil)
	if d.refresh != nil {
		refreshing = d.refresh(c, t)
	} else {
		refreshing = append(refreshing, c.worker(t))
	}
	c.untilReading(t, began)
	d.strike(c, t, refreshing)
	c.wantServed(t)
	if d.released {
		c.wantNothingHeld(t)
		c.wantServed(t)
	}
	c.source.Throttle(0)
	if d.repair != nil {
		d.repair(c, t)
	}
	if d.refresh == nil && !d.released {
		refreshing[0].alive(t)
		c.untilCaughtUp(t, refreshing[0])
	}
	for _, v := range chaosViews {
		c.wantEqual(t, v.name, itemQuery)
	}
	c.wantHistory(t, d)
	c.wantNothingLeftByTheNextRun(t)
}

// untilReading waits until the rows of every view are under way from the source.
func (c *chaos) untilReading(t *testing.T, since time.Time) {
	t.Helper()
	eventually(t, patience, func() error {
		for _, v := range chaosViews {
			reading := false
			for _, s := range c.source.Statements() {
				reading = reading || s.Start.After(since) && s.End.IsZero() && s.QueryGroup == "redcache "+v.name &&
					strings.Contains(s.SQL, "public.item")
			}
			if !reading {
				return errors.New("the source was not asked for " + v.name)
			}
		}
		return nil
	})
}

// wantServed wants readers to get answers now, from all views whose readers never wait.
func (c *chaos) wantServed(t *testing.T) {
	t.Helper()
	for _, v := range chaosViews {
		if v.waits {
			continue
		}
		before, _ := c.readers[v.name].served()
		eventually(t, 5*time.Second, func() error {
			if now, _ := c.readers[v.name].served(); now < before+2 {
				return errors.New("nobody can read " + v.name)
			}
			return nil
		})
	}
}

// untilAll waits until the newest run of each view that is over has a state.
func (c *chaos) untilAll(t *testing.T, state string) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		return c.wantCount(t, fmt.Sprintf(`
			SELECT DISTINCT view_id FROM redcache.run WHERE id > %d AND state = '%s'`, c.lastRun, state), len(chaosViews))
	})
}

// untilCaughtUp waits until the worker has brought the newest batch to all views, and stops it.
func (c *chaos) untilCaughtUp(t *testing.T, worker *process) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		for _, v := range chaosViews {
			var batch int64
			err := c.pool.QueryRow(t.Context(), `SELECT max(batch) FROM `+v.name).Scan(&batch)
			if err != nil {
				return err
			}
			if batch != c.batch.Load() {
				return fmt.Errorf("%s has batch %d, want %d", v.name, batch, c.batch.Load())
			}
		}
		return nil
	})
	worker.stop(t)
}

// wantHistory holds what cachectl tells of each view against what happened.
func (c *chaos) wantHistory(t *testing.T, d disaster) {
	t.Helper()
	told := map[string][]string{}
	for _, r := range c.runs(t, c.lastRun) {
		told[r.View] = append(told[r.View], fmt.Sprintf("%s/%d", r.State, r.Attempts))
		if r.State == "succeeded" {
			continue
		}
		if why := text(r.Error); !regexp.MustCompile(d.why).MatchString(why) {
			t.Errorf("run %d of %s is %s, for the reason %q", r.ID, r.View, r.State, why)
		}
	}
	for _, v := range chaosViews {
		if history := strings.Join(told[v.name], " "); !regexp.MustCompile(d.history).MatchString(history) {
			t.Errorf("%s: the history says %q, want %s", v.name, history, d.history)
		}
	}
}
