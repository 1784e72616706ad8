package refresh_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

var proofs = []catalog.SkipUnchanged{catalog.SkipModified, catalog.SkipContent, catalog.SkipAuto}

// atOnce makes the source note changes at once, and returns a runner that relies on it.
func (b *bundle) atOnce(t *testing.T, tables ...string) *refresh.Runner {
	t.Helper()
	b.source.TrackChanges(t, tables...)
	b.source.NoteChangesAfter(0)
	return refresh.NewRunner(b.pool, refresh.Config{Backoff: quick, ModifiedLag: time.Nanosecond})
}

// skippingView is a view of the batches that is not read when it is proven to be what its source is.
func (b *bundle) skippingView(strategy catalog.Strategy, how catalog.SkipUnchanged) catalog.View {
	v := b.batchView(fmt.Sprint(strategy, "_", how), strategy, catalog.AutoTransport)
	v.SkipUnchanged, v.AllowShrink = how, 100
	if strategy == catalog.Incremental {
		v.Watermark, v.Lookback = "batch", "0"
	}
	return v
}

// wantState refreshes a view and wants the run to end in a state.
func wantState(t *testing.T, runner *refresh.Runner, req refresh.Request, want catalog.RunState) catalog.Run {
	t.Helper()
	run, err := runner.Refresh(t.Context(), req)
	if err != nil || run.State != want {
		t.Fatalf("refresh view %s: %s, %v; want %s", req.View, run.State, err, want)
	}
	return run
}

func reasonOf(run catalog.Run) string {
	if run.Reason == nil {
		return ""
	}
	return *run.Reason
}

func TestUnchanged_NothingIsReadOrWritten(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	runner := b.atOnce(t, "public.item")
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Merge, catalog.Concurrent, catalog.Nonconcurrent, catalog.Incremental} {
		for _, how := range proofs {
			v := b.skippingView(strategy, how)
			b.add(t, v)
			state := `SELECT s.generation, s.loaded, s.modified, s.content, s.row_count, s.failures, pg_relation_filenode(format('redcache_data.v%s_g%s', s.view_id, s.generation)::regclass)
				FROM redcache.copy s JOIN redcache.view v ON v.id = s.view_id WHERE v.view_name = '` + v.Name.View + `'`
			before, asOf, started := rows(t, b.pool, state), b.asOf(t, v), time.Now()
			run := wantState(t, runner, refresh.Request{View: v.Name}, catalog.Unchanged)
			if after := rows(t, b.pool, state); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("%s: %s, it was %s", v.Name, after, before)
			}
			if now := b.asOf(t, v); !now.After(asOf) || !now.Equal(*run.AsOf) || now.After(time.Now()) {
				t.Errorf("%s: as of %s, the run says %s, it was %s", v.Name, now, run.AsOf, asOf)
			}
			if run.RowsRead != nil || run.Reason == nil || run.Generation != 1 {
				t.Errorf("%s: rows read %v, reason %v, generation %d", v.Name, run.RowsRead, run.Reason, run.Generation)
			}
			reads := 0
			for _, s := range b.source.Statements() {
				if s.Start.After(started) && strings.Contains(s.SQL, "FROM public.item") && !strings.HasPrefix(s.SQL, "EXPLAIN") {
					if reads++; how != catalog.SkipContent || !strings.HasPrefix(s.SQL, "SELECT COUNT(*)") {
						t.Errorf("%s: the source was asked %s", v.Name, s.SQL)
					}
				}
			}
			if (reads == 1) != (how == catalog.SkipContent) {
				t.Errorf("%s: the rows were read %d times", v.Name, reads)
			}
		}
	}
	b.wantNothingLeft(t)
}

func (b *bundle) asOf(t *testing.T, v catalog.View) (asOf time.Time) {
	t.Helper()
	_, state, err := b.store.ViewAndState(t.Context(), v.Name)
	if err != nil {
		t.Fatal(err)
	}
	return *state.AsOf
}

func TestUnchanged_EveryChangeIsCaught(t *testing.T) {
	t.Parallel()
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Merge} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, batchSQL...)
			runner := b.atOnce(t, "public.item")
			var views []catalog.View
			for _, how := range proofs {
				v := b.skippingView(strategy, how)
				b.add(t, v)
				views = append(views, v)
			}
			for _, change := range []string{
				`UPDATE public.item SET note = 'x' WHERE id = 7`,
				`UPDATE public.item SET note = CASE id WHEN 1 THEN 'note 2' ELSE 'note 1' END WHERE id IN (1, 2)`,
				`WITH gone AS (DELETE FROM public.item WHERE id = 5) INSERT INTO public.item VALUES (205, 0, 'note 5')`,
				`UPDATE public.item SET note = NULL WHERE id = 7`,
				`UPDATE public.item SET note = '' WHERE id = 7`,
				`UPDATE public.item SET note = ' ' WHERE id = 7`,
				`DELETE FROM public.item WHERE id = 8`,
				`TRUNCATE public.item`,
				`INSERT INTO public.item VALUES (NULL, 0, NULL), (0, NULL, '')`,
				`UPDATE public.item SET id = 1 WHERE id IS NULL`,
			} {
				b.change(t, change)
				for _, v := range views {
					if strings.Contains(change, "NULL, 0, NULL") {
						if run, err := runner.Refresh(t.Context(), refresh.Request{View: v.Name}); err == nil {
							t.Errorf("a NULL key: %s", run.State)
						}
						continue
					}
					wantState(t, runner, refresh.Request{View: v.Name}, catalog.Succeeded)
					b.wantEqual(t, v)
					wantState(t, runner, refresh.Request{View: v.Name}, catalog.Unchanged)
				}
				if t.Failed() {
					t.Fatalf("after %s", change)
				}
			}
			b.wantNothingLeft(t)
		})
	}
}

// Rows that are gone are read again, and so are those that the owner of the table may not see; which of the two it was is told.
func TestUnchanged_TellsRowsThatAreGoneFromThoseThatAreHidden(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	v := b.skippingView(catalog.Swap, catalog.SkipContent)
	b.add(t, v)
	for _, tt := range []struct{ others, want string }{
		{"TRUNCATE %s", "somebody had emptied "},
		{
			"ALTER TABLE %[1]s ENABLE ROW LEVEL SECURITY; ALTER TABLE %[1]s FORCE ROW LEVEL SECURITY",
			"row-level security, forced on ",
		},
	} {
		wantState(t, b.runner, refresh.Request{View: v.Name}, catalog.Unchanged)
		table := rows(t, b.pool, `SELECT format('redcache_data.v%s_g%s', view_id, generation) FROM redcache.copy`)[0]
		b.exec(t, fmt.Sprintf(tt.others, strings.Trim(table, `" `)))
		if run := wantState(t, b.runner, refresh.Request{View: v.Name}, catalog.Succeeded); !strings.Contains(reasonOf(run), tt.want) {
			t.Errorf("after %s: the reason is %q, want %q in it", tt.others, reasonOf(run), tt.want)
		}
	}
}

func TestUnchanged_AVolatileQueryIsNeverSkipped(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	runner := b.atOnce(t, "public.item")
	for word, query := range map[string]string{
		"getdate":      "SELECT id, batch, note FROM public.item WHERE getdate() > '2026-01-01'",
		"current_date": "SELECT id, batch, note FROM public.item WHERE CURRENT_DATE > '2026-01-01'",
		"random":       "SELECT id, batch, note FROM public.item WHERE random() < 2",
	} {
		for _, how := range proofs {
			v := b.skippingView(catalog.Merge, how)
			v.Name.View, v.Query = word+"_"+string(how), query
			b.add(t, v)
			run := wantState(t, runner, refresh.Request{View: v.Name}, catalog.Succeeded)
			if !strings.Contains(strings.ToLower(reasonOf(run)), word) {
				t.Errorf("%s: the reason is %q", v.Name, reasonOf(run))
			}
		}
	}
}

func TestUnchanged_WholeAndNewDefinitionsAreRead(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	runner := b.atOnce(t, "public.item")
	definer := refresh.NewDefiner(b.pool, runner)
	for _, how := range proofs {
		v := b.skippingView(catalog.Swap, how)
		b.add(t, v)
		wantState(t, runner, refresh.Request{View: v.Name}, catalog.Unchanged)
		wantState(t, runner, refresh.Request{View: v.Name, Whole: true}, catalog.Succeeded)
		wantState(t, runner, refresh.Request{View: v.Name}, catalog.Unchanged)
		for n, change := range []func(*catalog.View){
			func(v *catalog.View) { v.Indexes = []string{"batch"} },
			func(v *catalog.View) { v.Query += " WHERE id > 10" },
			func(v *catalog.View) { v.Query = "SELECT id, batch FROM public.item" },
		} {
			run, err := definer.Alter(t.Context(), v.Name, func(v *catalog.View) error { change(v); return nil }, false, nil)
			if err != nil || run.State != catalog.Succeeded {
				t.Errorf("change %d: %s, %v", n, run.State, err)
			}
			change(&v)
			b.wantEqual(t, v)
			wantState(t, runner, refresh.Request{View: v.Name}, catalog.Unchanged)
		}
	}
	b.wantNothingLeft(t)
}

func TestUnchanged_AChangeDuringTheReadIsCaughtByTheNextRun(t *testing.T) {
	t.Parallel()
	for _, how := range proofs {
		t.Run(string(how), func(t *testing.T) {
			t.Parallel()
			b := setup(t, batchSQL...)
			runner := b.atOnce(t, "public.item")
			v := b.skippingView(catalog.Merge, how)
			b.add(t, v)
			for batch := range 3 {
				b.nextBatch(t, 2*batch+1)
				b.source.Throttle(400) // half a second
				started := time.Now()
				refreshing := refreshingBy(t.Context(), runner, refresh.Request{View: v.Name})
				b.awaitRead(t, "public.item", started)
				b.nextBatch(t, 2*batch+2)
				if f := await(t, refreshing); f.err != nil {
					t.Fatal(f.err)
				}
				b.source.Throttle(0)
				b.wantBatch(t, v, 2*batch, 2*batch+1, 2*batch+2)
				if _, err := runner.Refresh(t.Context(), refresh.Request{View: v.Name}); err != nil {
					t.Fatal(err)
				}
				b.wantBatch(t, v, 2*batch+2)
			}
			b.wantNothingLeft(t)
		})
	}
}

func TestUnchanged_AGroupIsReadAsOne(t *testing.T) {
	t.Parallel()
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Merge} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			views := b.group(t, catalog.AutoTransport, strategy, strategy)
			runner := b.atOnce(t, "public.t0", "public.t1")
			for _, v := range views {
				if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.SkipUnchanged = catalog.SkipAuto }); err != nil {
					t.Fatal(err)
				}
			}
			all := func(want catalog.RunState) {
				t.Helper()
				run := wantState(t, runner, refresh.Request{View: views[0].Name}, want)
				if len(run.Others) != 1 || run.Others[0].State != want {
					t.Errorf("the others are %+v", run.Others)
				}
			}
			all(catalog.Succeeded) // nothing is known of what was read before
			all(catalog.Unchanged)
			if err := b.grow(context.WithoutCancel(t.Context()), views[:1]); err != nil {
				t.Fatal(err)
			}
			all(catalog.Succeeded)
			all(catalog.Unchanged)
			for _, v := range views {
				b.wantEqual(t, v)
			}
			b.wantNothingLeft(t)
		})
	}
}
