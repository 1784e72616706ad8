package refresh_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

func TestShrink_ALossBeyondTheSharesIsRefused(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, strategy catalog.Strategy, transport catalog.Transport) {
		b, v := batches(t, strategy, transport)
		b.change(t, "CREATE TABLE public.whole AS TABLE public.item")
		for _, tt := range []struct {
			left           int // of 200 rows
			allowed, asked int // percent, by the definition and by the request
			refused        bool
		}{
			{200, 0, 0, false},
			{250, 0, 0, false},
			{199, 0, 0, true},
			{199, 1, 0, false},
			{100, 50, 0, false},
			{99, 50, 0, true},
			{99, 50, 10, true}, // a request only allows more
			{99, 50, 51, false},
			{99, 0, 100, false},
			{1, 99, 0, true},
			{0, 50, 0, true},
			{0, 99, 0, true},
			{0, 50, 100, false},
			{0, 100, 0, false},
		} {
			if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.AllowShrink = tt.allowed }); err != nil {
				t.Fatal(err)
			}
			b.change(t, "TRUNCATE public.item")
			b.change(t, "INSERT INTO public.item SELECT * FROM public.whole WHERE id <= $1", tt.left)
			b.change(t, "INSERT INTO public.item SELECT i, 0, NULL FROM generate_series(201, $1::int) i", tt.left)
			run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name, AllowShrink: tt.asked})
			switch {
			case !tt.refused && err != nil:
				t.Errorf("%+v: %v", tt, err)
			case !tt.refused:
				b.wantEqual(t, v)
			default:
				b.wantShrinkRefused(t, run, err, tt.left)
				b.wantBatch(t, v, 0)
			}
			b.change(t, "TRUNCATE public.item")
			b.change(t, "INSERT INTO public.item TABLE public.whole")
			b.refresh(t, refresh.Request{View: v.Name, AllowShrink: 100})
		}
		b.wantNothingLeft(t)
	}, catalog.Swap, catalog.Merge, catalog.Auto)
}

// wantShrinkRefused wants a run that has failed once, with the numbers and what to do in its history.
func (b *bundle) wantShrinkRefused(t *testing.T, run catalog.Run, err error, left int) {
	t.Helper()
	if err == nil || run.State != catalog.Failed || run.Attempts != 1 {
		t.Fatalf("got %s after %d attempts, %v; want a failure", run.State, run.Attempts, err)
	}
	for _, word := range []string{fmt.Sprint("in the source: ", left), "in the copy: 200", fmt.Sprintf("%.1f %%", float64(200-left)/2)} {
		if run.Error == nil || !strings.Contains(*run.Error, word) {
			t.Errorf("the error does not say %q: %v", word, err)
		}
	}
	if run.Hint == nil || *run.Hint != infra.Hint(err) || !strings.Contains(*run.Hint, "--allow-shrink 100") {
		t.Errorf("the hint is %q", infra.Hint(err))
	}
}

// Nothing is lost by a view that has nothing yet, or by one whose definition now asks for less.
func TestShrink_ANewDefinitionLosesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, append(batchSQL, "CREATE TABLE public.empty AS TABLE public.item WITH NO DATA")...)
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Merge} {
		v := b.batchView(string(strategy), strategy, catalog.AutoTransport)
		v.Query, v.AllowShrink = "SELECT id, batch, note FROM public.empty", 0
		b.add(t, v)
		b.refresh(t, refresh.Request{View: v.Name})
		for _, query := range []string{"SELECT id, batch, note FROM public.item", "SELECT id, batch, note FROM public.item WHERE id = 1"} {
			if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Query = query }); err != nil {
				t.Fatal(err)
			}
			v.Query = query
			b.wantEqual(t, v)
		}
	}
	b.wantNothingLeft(t)
}

// What became of a swap that readers held up is compared with what they still see.
func TestShrink_AlsoWhenASwapIsMerged(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, transport catalog.Transport) {
		b, v := batches(t, catalog.Swap, transport)
		runner := refresh.NewRunner(b.pool, refresh.Config{SwitchPatience: 200 * time.Millisecond})
		reader := b.longReader(t, v)
		b.change(t, "DELETE FROM public.item WHERE id > 120")
		if run := wantState(t, runner, refresh.Request{View: v.Name}, catalog.Succeeded); run.Strategy != catalog.Merge || *run.RowsDeleted != 80 {
			t.Errorf("a %s deleted %d rows", run.Strategy, *run.RowsDeleted)
		}
		b.change(t, "DELETE FROM public.item WHERE id > 10")
		if run, err := runner.Refresh(t.Context(), refresh.Request{View: v.Name}); err == nil {
			t.Errorf("%s of %d rows", run.State, *run.RowsRead)
		}
		if n := len(rows(t, b.pool, "SELECT FROM bi.item")); n != 120 {
			t.Errorf("readers see %d rows", n)
		}
		leave(t, reader)
		b.wantNothingLeft(t)
	})
}
