package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/refresh"
)

// ways are those of the views of a set: every strategy, and both transports.
var setWays = []struct {
	strategy  catalog.Strategy
	transport catalog.Transport
}{
	{catalog.Swap, catalog.StreamTransport},
	{catalog.Concurrent, catalog.DblinkTransport},
	{catalog.Merge, catalog.DblinkTransport},
	{catalog.Nonconcurrent, catalog.DblinkTransport},
	{catalog.Incremental, catalog.StreamTransport},
}

// member is the n-th view of a set in an era, which its rows tell. Each era has another list of columns: sometimes one that
// CREATE OR REPLACE VIEW takes, sometimes not.
func (b *bundle) memberOf(n, era int) catalog.View {
	way := setWays[n%len(setWays)]
	v := b.batchView(fmt.Sprintf("s%02d", n), way.strategy, way.transport)
	v.Query = fmt.Sprintf("SELECT id, %d AS era, batch FROM public.item", era)
	if era%2 == 1 && n%3 == 0 {
		v.Query = fmt.Sprintf("SELECT note, %d AS era, batch, id FROM public.item", era)
	}
	if v.Strategy == catalog.Incremental {
		v.Watermark, v.Lookback = "batch", "0"
	}
	return v
}

// era changes so many views to another era.
func (b *bundle) era(views, era int) (changes []refresh.Change) {
	for n := range views {
		to := b.memberOf(n, era)
		changes = append(changes, refresh.Change{Name: to.Name, Define: func(v *catalog.View) error {
			v.Query = to.Query
			return nil
		}})
	}
	return changes
}

// eraSQL asks for the eras of all views in one statement.
func eraSQL(views int) string {
	var asked []string
	for n := range views {
		asked = append(asked, fmt.Sprintf("SELECT min(era) AS low, max(era) AS high, count(*) AS n FROM bi.s%02d", n))
	}
	return "SELECT min(low), max(high), min(n), max(n) FROM (" + strings.Join(asked, " UNION ALL ") + ") s"
}

// wantEra wants readers to see one era of all views, as a whole; it returns which.
func (b *bundle) wantEra(t *testing.T, views int, want ...int) int {
	t.Helper()
	var low, high, fewest, most int
	err := b.readers.QueryRow(t.Context(), eraSQL(views)).Scan(&low, &high, &fewest, &most)
	if err != nil || low != high || fewest != 200 || most != 200 || !slices.Contains(want, low) {
		t.Errorf("readers see the eras %d to %d, %d to %d rows, %v; want one of %v", low, high, fewest, most, err, want)
	}
	return low
}

// setOf adds so many views at once.
func (b *bundle) setOf(t *testing.T, views int) {
	t.Helper()
	var changes []refresh.Change
	for n := range views {
		v := b.memberOf(n, 0)
		changes = append(changes, refresh.Change{Name: v.Name, Add: true, Define: func(to *catalog.View) error { *to = v; return nil }})
	}
	runs, err := b.definer.Apply(t.Context(), changes)
	if err != nil || len(runs) != views {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	b.wantEra(t, views, 0)
}

// withLive adds one more view, behind so many of a set: one without rows, that shows rows of the first two where these are of one era.
func (b *bundle) withLive(t *testing.T, views int) (seen int) {
	t.Helper()
	query := "SELECT a.id, a.era, b.batch FROM bi.s00 a JOIN bi.s01 b ON b.id = a.id AND b.era = a.era"
	if views == 1 {
		query = "SELECT a.id, a.era, a.batch FROM bi.s00 a"
	}
	if _, err := b.definer.Add(t.Context(), b.localView(fmt.Sprintf("s%02d", views), query, catalog.Live), false, nil); err != nil {
		t.Fatal(err)
	}
	return views + 1
}

// wantNoSets wants nothing to be left of sets that did not take effect.
func (b *bundle) wantNoSets(t *testing.T) {
	t.Helper()
	for _, query := range []string{
		`SELECT id FROM redcache.set WHERE published_at IS NULL`,
		`SELECT view_id, number, state FROM redcache.generation WHERE state IN ('building', 'filled')`,
		`SELECT id, view_id, generation FROM redcache.run WHERE state = 'running'`,
		`SELECT v.view_name FROM redcache.view v LEFT JOIN redcache.defined d ON d.id = v.id WHERE d.id IS NULL`,
	} {
		if left := rows(t, b.pool, query); len(left) > 0 {
			t.Errorf("left behind: %v (%s)", left, query)
		}
	}
}

// A set is added, changed and dropped as one; readers see the one or the other, and never both.
func TestApply_TakesEffectAsOne(t *testing.T) {
	t.Parallel()
	const views = 5
	b := setup(t, batchSQL...)
	b.setOf(t, views)
	live := b.withLive(t, views)
	stop := make(chan struct{})
	var reads, eras atomic.Int64
	ended := b.keepReading(t, time.Millisecond, stop, func(ctx context.Context, conn *pgx.Conn) bool {
		var low, high, fewest, most int64
		err := conn.QueryRow(ctx, eraSQL(live)).Scan(&low, &high, &fewest, &most)
		if err != nil || low != high || fewest != 200 || most != 200 {
			t.Errorf("a reader sees the eras %d to %d, %d to %d rows, %v", low, high, fewest, most, err)
		}
		reads.Add(1)
		eras.Store(max(eras.Load(), high))
		return !t.Failed()
	})
	for era := 1; era <= 4; era++ {
		b.nextBatch(t, era)
		runs, err := b.definer.Apply(t.Context(), b.era(views, era))
		if err != nil || len(runs) != views {
			t.Fatalf("%d runs, %v", len(runs), err)
		}
		b.wantEra(t, live, era)
	}
	close(stop)
	await(t, ended)
	if reads.Load() < 20 || eras.Load() < 3 {
		t.Errorf("%d reads up to era %d, which proves little", reads.Load(), eras.Load())
	}
	for n := range views {
		b.wantEqual(t, b.memberOf(n, 4))
		b.refresh(t, refresh.Request{View: b.memberOf(n, 4).Name})
	}
	b.wantNoSets(t)
	b.wantNothingLeft(t)

	if err := b.definer.Drop(t.Context(), b.memberOf(views, 4).Name); err != nil {
		t.Error(err)
	}

	// One goes, one comes, one changes only when it is refreshed, one what it shows.
	last := b.memberOf(views, 5)
	changes := append(b.era(1, 5),
		refresh.Change{Name: b.memberOf(1, 4).Name, Drop: true},
		refresh.Change{Name: b.memberOf(2, 4).Name, Define: func(v *catalog.View) error { v.MaxAge = time.Hour; return nil }},
		refresh.Change{Name: last.Name, Add: true, Define: func(v *catalog.View) error { *v = last; return nil }})
	steps, err := b.definer.Plan(t.Context(), changes)
	if err != nil || len(steps) == 0 {
		t.Fatalf("planned %d steps, %v", len(steps), err)
	}
	runs, err := b.definer.Apply(t.Context(), changes)
	if err != nil || len(runs) != 2 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	b.wantEqual(t, b.memberOf(0, 5))
	b.wantEqual(t, last)
	if left := rows(t, b.pool, `SELECT view_name, extract(epoch FROM max_age)::integer FROM redcache.defined ORDER BY 1`); !slices.Equal(left,
		[]string{`"s00" "0" `, `"s02" "3600" `, `"s03" "0" `, `"s04" "0" `, `"s05" "0" `}) {
		t.Errorf("the views are %v", left)
	}
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}

// What one change of a set cannot do, none of it does: whether that shows at once, when it is built, or when it is published.
func TestApply_OneThatFailsTakesAllWithIt(t *testing.T) {
	t.Parallel()
	const views = 3
	for name, tt := range map[string]struct {
		spoil  func(t *testing.T, b *bundle)
		change func(v *catalog.View)
		words  string
	}{
		"refused": {nil, func(v *catalog.View) { v.Key = []string{"nothing"} }, "key column nothing does not exist"},
		"rehearsed": {
			nil, func(v *catalog.View) { v.Indexes = []string{"nothing"} }, "nothing",
		},
		"built": {nil, func(v *catalog.View) { v.Query = "SELECT 1 / (id - id) AS id, 7 AS era, batch FROM public.item" }, "division by zero"},
		"depended on": {
			func(t *testing.T, b *bundle) { b.exec(t, `CREATE VIEW bi.above AS SELECT batch FROM bi.s02`) },
			func(v *catalog.View) { v.Query = "SELECT id, batch, 1 AS era FROM public.item" },
			"bi.above",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, batchSQL...)
			b.setOf(t, views)
			if tt.spoil != nil {
				tt.spoil(t, b)
			}
			before := rows(t, b.pool, `SELECT id, generation, definition FROM redcache.defined ORDER BY 1`)
			last := b.memberOf(7, 1)
			changes := append(b.era(views-1, 1),
				refresh.Change{Name: b.memberOf(2, 0).Name, Define: func(v *catalog.View) error { tt.change(v); return nil }},
				refresh.Change{Name: last.Name, Add: true, Define: func(v *catalog.View) error { *v = last; return nil }})
			if _, err := b.definer.Apply(t.Context(), changes); err == nil || !strings.Contains(err.Error()+fmt.Sprint(hintOf(err)), tt.words) {
				t.Errorf("got %v", err)
			}
			b.wantEra(t, views, 0)
			if after := rows(t, b.pool, `SELECT id, generation, definition FROM redcache.defined ORDER BY 1`); !slices.Equal(before, after) {
				t.Errorf("was %v, is %v", before, after)
			}
			b.wantNoSets(t)
			b.wantNothingLeft(t)
		})
	}
}

// What failed is said of its view once, however many hands the error goes through.
func TestDefine_SaysOnceWhatItWasDoing(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	v := b.batchView("item", catalog.Swap, catalog.StreamTransport)
	b.add(t, v)
	nowhere := b.batchView("other", catalog.Swap, catalog.StreamTransport)
	nowhere.Query = "SELECT nothing FROM public.item"
	_, added := b.definer.Add(t.Context(), nowhere, false, nil)
	_, altered := b.definer.Alter(t.Context(), v.Name, func(v *catalog.View) error { v.Query = nowhere.Query; return nil }, false, nil)
	_, planned := b.definer.PlanAdd(t.Context(), nowhere, false)
	b.exec(t, `CREATE VIEW bi.above AS SELECT * FROM bi.item`)
	dropped := b.definer.Drop(t.Context(), v.Name)
	for words, err := range map[string]error{
		"add view bi.other: ": added, "alter view bi.item: ": altered, "drop view bi.item: ": dropped,
	} {
		if err == nil || strings.Count(err.Error(), words) != 1 || !strings.HasPrefix(err.Error(), words) {
			t.Errorf("%q: %v", words, err)
		}
	}
	if planned == nil || strings.Count(planned.Error(), "add view") != 1 {
		t.Errorf("planned: %v", planned)
	}
}

// Definitions that somebody else has changed since they were decided on are left as they are. Refreshes go on meanwhile.
func TestApply_DoesNotOverwriteALaterChange(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	b.setOf(t, 3)         // one of which is a table that dblink fills
	old := b.oldReader(t) // which keeps the set from taking effect
	done := make(chan error, 1)
	go func() {
		_, err := b.definer.Apply(t.Context(), b.era(3, 1))
		done <- err
	}()
	b.untilSome(t, `SELECT FROM redcache.generation WHERE state = 'filled' HAVING count(*) = 3`)
	b.nextBatch(t, 1)
	for n := range 3 {
		if run := b.refresh(t, refresh.Request{View: b.memberOf(n, 0).Name}); run.State != catalog.Succeeded {
			t.Errorf("a refresh beside what is built: %s", run.State)
		}
		b.wantEqual(t, b.memberOf(n, 0))
	}
	v := b.memberOf(1, 0)
	b.do(t, `UPDATE redcache.generation SET definition = definition || '{"max_age": 3600}'
		WHERE state = 'published' AND view_id = (SELECT id FROM redcache.view WHERE view_name = 's01')`)
	leave(t, old)
	if err := await(t, done); err == nil || !strings.Contains(err.Error(), "view bi.s01: a definition was changed by somebody else meanwhile") {
		t.Errorf("got %v", err)
	}
	b.wantEra(t, 3, 0)
	if now, _ := b.stateOf(t, v); now.MaxAge != time.Hour {
		t.Errorf("the later change is gone: %+v", now.Definition)
	}
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}

// A view that was refreshed while its next generation waited is due as soon as readers see that.
func TestApply_WhatIsOlderThanBeforeIsDue(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	v := b.memberOf(2, 0)
	v.RefreshEvery = time.Hour
	b.add(t, v)
	for _, refreshed := range []bool{false, true} {
		old := b.oldReader(t)
		done := make(chan error, 1)
		var runs []catalog.Run
		go func() {
			var err error
			runs, err = b.definer.Apply(t.Context(), b.era(3, map[bool]int{false: 1, true: 2}[refreshed])[2:])
			done <- err
		}()
		b.untilSome(t, someFilled)
		if refreshed {
			b.refresh(t, refresh.Request{View: v.Name})
		}
		leave(t, old)
		if err := await(t, done); err != nil {
			t.Fatal(err)
		}
		due := rows(t, b.pool, `SELECT next_due <= now() FROM redcache.state`)
		if want := map[bool]string{false: `"f" `, true: `"t" `}[refreshed]; !slices.Equal(due, []string{want}) {
			t.Errorf("refreshed meanwhile %t: due %v", refreshed, due)
		}
		if told := strings.HasPrefix(runs[0].Note, "readers see its rows as of "); told != refreshed {
			t.Errorf("refreshed meanwhile %t: %q", refreshed, runs[0].Note)
		}
	}
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, b.memberOf(2, 2))
	b.wantNothingLeft(t)
}

// What people put on the old generation while the new one waits is on that as well, before anybody can read it. Until then it
// is nobody's, whatever the default privileges say.
func TestPublish_CarriesWhatCameWhileItWaited(t *testing.T) {
	t.Parallel()
	for name, renew := range map[string]func(b *bundle, ctx context.Context, v catalog.View) error{
		"refresh": func(b *bundle, ctx context.Context, v catalog.View) error {
			_, err := b.runner.Refresh(ctx, refresh.Request{View: v.Name})
			return err
		},
		"alter": func(b *bundle, ctx context.Context, v catalog.View) error {
			_, err := b.definer.Alter(ctx, v.Name, func(v *catalog.View) error { v.Indexes = []string{"batch"}; return nil }, false, nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, v := batches(t, catalog.Swap, catalog.DblinkTransport)
			b.exec(t, `ALTER DEFAULT PRIVILEGES IN SCHEMA redcache_data GRANT SELECT ON TABLES TO `+pgtest.Reader)
			b.nextBatch(t, 1)
			old := b.oldReader(t)
			done := make(chan error, 1)
			go func() { done <- renew(b, t.Context(), v) }()
			b.untilSome(t, someFilled)
			const granted = `SELECT has_table_privilege('` + pgtest.Reader + `', 'redcache_data.v1_g2', 'SELECT')`
			if got := rows(t, b.pool, granted); !slices.Equal(got, []string{`"f" `}) {
				t.Errorf("others may read it: %v", got)
			}
			b.exec(t, `ALTER TABLE redcache_data.v1_g1 ENABLE ROW LEVEL SECURITY;
				CREATE POLICY few ON redcache_data.v1_g1 USING (id < 10); GRANT SELECT ON redcache_data.v1_g1 TO `+pgtest.Reader)
			leave(t, old)
			if err := await(t, done); err != nil {
				t.Fatal(err)
			}
			b.wantBatch(t, v, 1)
			carried := rows(t, b.pool, `SELECT p.polname, c.relrowsecurity FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid
				WHERE c.oid = 'redcache_data.v1_g2'::regclass`)
			if got := rows(t, b.pool, granted); !slices.Equal(carried, []string{`"few" "t" `}) || !slices.Equal(got, []string{`"t" `}) {
				t.Errorf("the new generation has %v, and readers may read it: %v", carried, got)
			}
			b.wantNothingLeft(t)
		})
	}
}

// A right that is revoked while a switch waits for readers to leave does not come back with it: neither on a view that is made
// anew, since its columns change, nor on the generation below one that asks with its readers' rights.
func TestPublish_DoesNotGiveBackWhatWasRevokedWhileItWaited(t *testing.T) {
	t.Parallel()
	alter := func(b *bundle, query string) func(v catalog.View) error {
		return func(v catalog.View) error {
			_, err := b.definer.Alter(t.Context(), v.Name, func(v *catalog.View) error { v.Query = query; return nil }, false, nil)
			return err
		}
	}
	refreshed := func(b *bundle) func(v catalog.View) error {
		return func(v catalog.View) error {
			_, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
			return err
		}
	}
	const otherColumns, sameColumns = "SELECT note, batch, id FROM public.item", "SELECT id, batch, note FROM public.item WHERE id > 0"
	for name, tt := range map[string]struct {
		transport catalog.Transport
		first     func(t *testing.T, b *bundle, v catalog.View)
		renew     func(b *bundle) func(v catalog.View) error
		below     bool
	}{
		"alter": {catalog.DblinkTransport, nil, func(b *bundle) func(catalog.View) error { return alter(b, otherColumns) }, false},
		"refresh of other columns": {catalog.StreamTransport, func(t *testing.T, b *bundle, v catalog.View) {
			b.set(t, v, func(v *catalog.View) { v.Query = otherColumns })
		}, refreshed, false},
		"alter, below":   {catalog.DblinkTransport, nil, func(b *bundle) func(catalog.View) error { return alter(b, sameColumns) }, true},
		"refresh, below": {catalog.DblinkTransport, nil, refreshed, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, v := batches(t, catalog.Swap, tt.transport)
			on := v.Name.SQL()
			if tt.below {
				on = "redcache_data.v1_g1"
				b.exec(t, `ALTER VIEW bi.item SET (security_invoker = true); GRANT USAGE ON SCHEMA redcache_data TO `+pgtest.Reader+`;
					GRANT SELECT ON redcache_data.v1_g1 TO `+pgtest.Reader)
			}
			if tt.first != nil {
				tt.first(t, b, v)
			}
			done := make(chan error, 1)
			begin := func() { go func() { done <- tt.renew(b)(v) }() }
			var reader pgx.Tx
			if tt.transport == catalog.StreamTransport {
				reader = b.longReader(t, v)
				begin()
			} else { // it waits for old transactions first
				old := b.oldReader(t)
				begin()
				b.untilSome(t, someFilled)
				reader = b.longReader(t, v)
				leave(t, old)
			}
			b.untilSome(t, `SELECT FROM pg_locks WHERE locktype = 'relation' AND NOT granted`)
			b.exec(t, "REVOKE SELECT ON "+on+" FROM "+pgtest.Reader)
			leave(t, reader)
			if err := await(t, done); err != nil {
				t.Fatal(err)
			}
			if tt.below {
				on = strings.Trim(rows(t, b.pool, `SELECT 'redcache_data.v1_g' || generation FROM redcache.copy`)[0], `" `)
			}
			if got := rows(t, b.pool, `SELECT has_table_privilege('`+pgtest.Reader+`', '`+on+`', 'SELECT')`); !slices.Equal(got, []string{`"f" `}) {
				t.Errorf("it is back on %s", on)
			}
		})
	}
}

// What no other generation can be given keeps the new one from being shown, also when it came while that waited.
func TestPublish_DoesNotLoseWhatCannotBeCarried(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Swap, catalog.DblinkTransport)
	b.nextBatch(t, 1)
	for name, renew := range map[string]func() error{
		"refresh": func() error {
			run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
			if err == nil {
				err = errors.New(run.Note)
			}
			return err
		},
		"alter": func() error {
			_, err := b.definer.Alter(t.Context(), v.Name, func(v *catalog.View) error { v.Indexes = []string{"batch"}; return nil }, false, nil)
			return err
		},
	} {
		old := b.oldReader(t)
		done := make(chan error, 1)
		go func() { done <- renew() }()
		b.untilSome(t, someFilled)
		b.exec(t, `CREATE FUNCTION bi.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
			CREATE TRIGGER t AFTER TRUNCATE ON redcache_data.v1_g1 EXECUTE FUNCTION bi.nothing()`)
		leave(t, old)
		if err := await(t, done); err == nil || !strings.Contains(err.Error(), "a new generation would lose what is on the old one: trigger t") {
			t.Errorf("%s: %v", name, err)
		}
		b.wantBatch(t, v, 0)
		b.exec(t, `DROP FUNCTION bi.nothing() CASCADE`)
	}
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantBatch(t, v, 1)
	b.wantNothingLeft(t)
}

// A process that is killed before any of its statements leaves the old set or the new one, and nothing of the other beyond
// the next clean-up.
func TestApply_KilledAtAnyStatement(t *testing.T) {
	t.Parallel()
	for views := 1; views <= 5; views++ {
		t.Run(strconv.Itoa(views), func(t *testing.T) {
			t.Parallel()
			b := setup(t, batchSQL...)
			b.setOf(t, views)
			b.killApply(t, views, b.withLive(t, views))
		})
	}
}

// killApply kills before statements of an Apply, each time before another one: with REDCACHE_TEST_KILLS=all before each.
func (b *bundle) killApply(t *testing.T, views, seen int) {
	t.Helper()
	d := b.doomed(t)
	definer := refresh.NewDefiner(d.pool, d.runner)
	d.kill = func(*pgx.Conn) {
		d.mu.Lock()
		d.dead = true
		d.mu.Unlock()
		b.terminate(t, `application_name = 'doomed'`)
	}
	cleaner := refresh.NewRunner(b.pool, refresh.Config{Backoff: quick, Silence: time.Nanosecond})
	stride := 18 * views
	if os.Getenv("REDCACHE_TEST_KILLS") == "all" {
		stride = 1
	}
	era, kills := 0, map[bool]int{}
	for after := rand.IntN(stride); !t.Failed(); after += stride {
		var err error
		sent := d.until(after, func() { _, err = definer.Apply(t.Context(), b.era(views, era+1)) })
		if sent <= after {
			if err != nil {
				t.Errorf("undisturbed: %v", err)
			}
			b.wantEra(t, seen, era+1)
			break
		}
		now := b.wantEra(t, seen, era, era+1)
		kills[now > era]++
		// The clean-up: whoever changes a definition next, or tidies up behind a refresh.
		_, cleaned := refresh.NewDefiner(b.pool, cleaner).Alter(t.Context(), b.memberOf(0, 0).Name,
			func(v *catalog.View) error { v.Indexes = []string{[]string{"era", "batch"}[after%2]}; return nil }, false, nil)
		if cleaned != nil {
			t.Error(cleaned)
		}
		b.wantEra(t, seen, now)
		for n := range views {
			b.refresh(t, refresh.Request{View: b.memberOf(n, 0).Name})
		}
		b.wantNoSets(t)
		b.wantNothingLeft(t)
		if t.Failed() {
			t.Errorf("after a kill before statement %d, %v", after, err)
		}
		era = now
	}
	t.Logf("%d views: killed %d times before it took effect, %d times after", views, kills[false], kills[true])
	if kills[false] < 2 {
		t.Errorf("killed %d times, which proves little", kills[false])
	}
}

// hintOf is what an error says is to be done.
func hintOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}
