package refresh_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// alter starts to change a view, and returns a channel on which the result comes.
func (b *bundle) alter(ctx context.Context, name catalog.Name, change func(*catalog.View)) <-chan error {
	done := make(chan error, 1)
	ctx, cancel := bounded(ctx)
	go func() {
		defer cancel()
		_, err := b.definer.Alter(ctx, name, func(v *catalog.View) error { change(v); return nil }, false, nil)
		done <- err
	}()
	return done
}

func toIncremental(v *catalog.View) {
	v.Strategy, v.Key, v.Watermark, v.Lookback = catalog.Incremental, []string{"id"}, "updated_at", "1m"
}

func TestAlter_AnOldTransactionNeverFindsANewTableEmpty(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Nonconcurrent)
	b.add(t, v)
	reader := b.oldReader(t)
	altered := b.alter(t.Context(), v.Name, toIncremental)
	b.untilSome(t, someFilled)
	var seen int
	if err := reader.QueryRow(t.Context(), "SELECT count(*) FROM "+v.Name.SQL()).Scan(&seen); err != nil || seen != 1000 {
		t.Errorf("an old transaction sees %d rows, %v; want the 1000 of the old generation", seen, err)
	}
	select {
	case err := <-altered:
		t.Errorf("the new generation was published under an old transaction: %v", err)
	default:
	}
	var asOfMoved bool
	const fresher = `SELECT s.as_of >= max(r.as_of) FROM redcache.copy s JOIN redcache.run r ON r.view_id = s.view_id GROUP BY s.as_of`
	if err := b.pool.QueryRow(t.Context(), fresher).Scan(&asOfMoved); err != nil || asOfMoved {
		t.Errorf("as-of has moved before readers see the rows: %v, %v", asOfMoved, err)
	}
	leave(t, reader)
	if err := await(t, altered); err != nil {
		t.Fatal(err)
	}
	toIncremental(&v)
	b.wantEqual(t, v)
	if n := len(rows(t, b.pool, `SELECT FROM redcache.copy s JOIN redcache.run r ON r.id = s.last_run_id
		WHERE s.generation = 2 AND s.as_of = r.as_of`)); n != 1 {
		t.Error("the state does not say that readers see the new generation")
	}
	b.wantNothingLeft(t)
}

// someFilled has a row as long as there are rows that readers do not see yet.
const someFilled = `SELECT FROM redcache.generation WHERE state = 'filled'`

// impatient is a Definer that gives readers no time to leave.
func (b *bundle) impatient() *refresh.Definer {
	return refresh.NewDefiner(b.pool, refresh.NewRunner(b.pool, refresh.Config{
		Patience: 300 * time.Millisecond, SwitchPatience: 300 * time.Millisecond, Backoff: quick,
	}))
}

// One that is interrupted before readers see anything of it leaves what was there.
func TestAlter_InterruptedLeavesWhatWasThere(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Nonconcurrent)
	b.add(t, v)
	before, _ := b.stateOf(t, v)
	reader := b.oldReader(t)
	ctx, interrupt := context.WithCancel(t.Context())
	altered := b.alter(ctx, v.Name, toIncremental)
	b.untilSome(t, someFilled)
	interrupt()
	if err := await(t, altered); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if after, _ := b.stateOf(t, v); !after.Equal(before.Definition) || after.Generation != 1 {
		t.Errorf("the definition in force is %+v", after)
	}
	leave(t, reader)
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, v)
	b.wantNothingLeft(t)
}

func TestAlter_ALaterRunPublishesWhatReadersHaveKeptFromBeingSeen(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Nonconcurrent)
	b.add(t, v)
	reader := b.oldReader(t)
	run, err := b.impatient().Alter(t.Context(), v.Name, func(v *catalog.View) error { toIncremental(v); return nil }, false, nil)
	if err != nil || !strings.HasPrefix(run.Note, "readers keep the old generation until the next refresh: ") {
		t.Errorf("note %q, %v", run.Note, err)
	}
	leave(t, reader)
	b.change(t, `INSERT INTO public.sales VALUES (1001, 'new', 1, NULL, '2026-02-01')`)
	run = b.refresh(t, refresh.Request{View: v.Name})
	if run.Whole || run.Note != "" {
		t.Errorf("the next run read everything again: %v, note %q", run.Whole, run.Note)
	}
	toIncremental(&v)
	b.wantEqual(t, v)
	b.wantNothingLeft(t)
}

// Where readers never leave, what is on the old generation is on the new one when the next refresh shows it.
func TestAlter_WhatIsHandedOverIsDressedWhenItIsSeen(t *testing.T) {
	t.Parallel()
	for _, inTheWay := range []bool{false, true} {
		t.Run(map[bool]string{false: "an old transaction", true: "a reader in the way"}[inTheWay], func(t *testing.T) {
			t.Parallel()
			b, v := batches(t, catalog.Merge, catalog.DblinkTransport)
			b.exec(t, `ALTER TABLE redcache_data.v1_g1 ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON redcache_data.v1_g1 USING (id < 10)`)
			definer := refresh.NewDefiner(b.pool, refresh.NewRunner(b.pool, refresh.Config{Patience: 3 * time.Second, Backoff: quick}))
			reader := b.oldReader(t)
			done := make(chan finished, 1)
			go func() {
				run, err := definer.Alter(t.Context(), v.Name, func(v *catalog.View) error { v.Indexes = []string{"batch"}; return nil }, false, nil)
				done <- finished{run, err}
			}()
			b.untilSome(t, someFilled)
			if inTheWay {
				late := b.longReader(t, v)
				leave(t, reader)
				reader = late
			}
			if altered := await(t, done); altered.err != nil || altered.run.Note == "" {
				t.Errorf("note %q, %v", altered.run.Note, altered.err)
			}
			leave(t, reader)
			b.nextBatch(t, 1)
			b.refresh(t, refresh.Request{View: v.Name})
			b.wantBatch(t, v, 1)
			if got := rows(t, b.pool, `SELECT p.polname, c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid`); !slices.Equal(got, []string{`"few" "v1_g2" `}) {
				t.Errorf("the policies are %v", got)
			}
			b.wantNothingLeft(t)
		})
	}
}

func TestAlter_AnOldTransactionSeesRowsInANewMaterializedView(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Incremental)
	b.add(t, v)
	reader := b.oldReader(t)
	err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Strategy, v.Watermark, v.Lookback = catalog.Concurrent, "", "" })
	if err != nil {
		t.Fatal(err)
	}
	var seen int
	if err := reader.QueryRow(t.Context(), "SELECT count(*) FROM "+v.Name.SQL()).Scan(&seen); err != nil || seen != 1000 {
		t.Errorf("an old transaction sees %d rows, %v", seen, err)
	}
}

func TestAlter_ForgetsTheWatermarkOfAnotherColumn(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Incremental)
	b.add(t, v)
	b.change(t, "CREATE TABLE public.other AS TABLE public.sales WITH NO DATA")
	change := func(v *catalog.View) {
		v.Query, v.Watermark, v.Lookback = "SELECT * FROM public.other", "id", "0"
	}
	if err := <-b.alter(t.Context(), v.Name, change); err != nil {
		t.Fatal(err)
	}
	b.change(t, "INSERT INTO public.other SELECT * FROM public.sales WHERE id < 10")
	b.refresh(t, refresh.Request{View: v.Name})
	change(&v)
	b.wantEqual(t, v)
}

func TestAdd_TwoAtOnceIntoASchemaThatDoesNotExist(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	var wait sync.WaitGroup
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		v := b.salesView(strategy)
		v.Name.Schema = "brand new"
		wait.Go(func() {
			if _, err := b.definer.Add(t.Context(), v, false, nil); err != nil {
				t.Errorf("%s: %v", strategy, err)
			}
		})
	}
	wait.Wait()
}
