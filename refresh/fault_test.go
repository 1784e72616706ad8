package refresh_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

// fault is something that goes wrong on the remote side during a refresh.
type fault struct {
	name   string
	cause  func(b *bundle, t *testing.T)
	repair func(b *bundle, t *testing.T)
	retry  bool   // whether the run gets over it by itself
	want   string // otherwise: what its error says
}

var faults = []fault{
	{name: "cut in the middle of the rows", cause: func(b *bundle, _ *testing.T) { b.source.DropAfter(500) }, retry: true},
	{
		name: "relation replaced meanwhile", retry: true,
		cause: func(b *bundle, _ *testing.T) { b.source.FailNext("public.sales", redshiftsim.RelationVanished()) },
	},
	{
		name: "serializable conflict", retry: true,
		cause: func(b *bundle, _ *testing.T) {
			b.source.FailNext("public.sales", redshiftsim.SerializationFailure(100))
		},
	},
	{
		name: "aborted by the system", retry: true,
		cause: func(b *bundle, _ *testing.T) { b.source.FailNext("public.sales", redshiftsim.SystemAbort()) },
	},
	{
		name: "query monitoring rule", want: "Query Monitoring Rule",
		cause: func(b *bundle, _ *testing.T) {
			b.source.FailNext("public.sales", redshiftsim.RuleAbort("long queries"))
		},
	},
	{
		name: "disk full", want: "isk",
		cause: func(b *bundle, _ *testing.T) { b.source.FailNext("public.sales", redshiftsim.DiskFull()) },
	},
	{
		name: "expired password", want: "password authentication failed",
		cause:  func(b *bundle, _ *testing.T) { b.source.ExpirePassword(redshiftsim.User) },
		repair: func(b *bundle, _ *testing.T) { b.source.SetPassword(redshiftsim.User, redshiftsim.Password) },
	},
	{
		name: "paused", want: "refused",
		cause: func(b *bundle, _ *testing.T) { b.source.Pause() },
		repair: func(b *bundle, t *testing.T) {
			if err := b.source.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
	},
	{
		name: "table gone", want: "does not exist",
		cause:  func(b *bundle, t *testing.T) { b.change(t, "ALTER TABLE public.sales RENAME TO gone") },
		repair: func(b *bundle, t *testing.T) { b.change(t, "ALTER TABLE public.gone RENAME TO sales") },
	},
}

func TestFaults_KeepTheOldRowsAndTellWhy(t *testing.T) {
	t.Parallel()
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			v := b.salesView(strategy)
			lookBack(&v, "1d")
			b.add(t, v)
			for _, f := range faults {
				t.Run(f.name, func(t *testing.T) { b.suffer(t, v, f) })
			}
		})
	}
}

func (b *bundle) suffer(t *testing.T, v catalog.View, f fault) {
	before := rows(t, b.pool, "SELECT * FROM "+v.Name.SQL())
	b.change(t, `INSERT INTO public.sales SELECT max(id) + 1, 'later', 1, NULL, '2026-01-01 00:16:40' FROM public.sales`)
	f.cause(b, t)
	run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
	if f.retry {
		if err != nil || run.State != catalog.Succeeded || run.Attempts != 2 {
			t.Fatalf("got %s after %d attempts, %v; want success with the second", run.State, run.Attempts, err)
		}
		b.wantEqual(t, v)
		b.wantNothingLeft(t)
		return
	}
	if err == nil || run.State != catalog.Failed || !strings.Contains(err.Error(), f.want) {
		t.Errorf("got %s, %v; want a failure about %q", run.State, err, f.want)
	}
	if err != nil && (infra.Hint(err) == "" || run.Hint == nil || *run.Hint != infra.Hint(err)) {
		t.Errorf("hint is %q, in the history %v, for %v", infra.Hint(err), run.Hint, err)
	}
	if err != nil && strings.Count(err.Error(), "ERROR:") > 1 {
		t.Errorf("the error repeats itself: %v", err)
	}
	b.wantRows(t, v, before)
	if f.repair != nil {
		f.repair(b, t)
	}
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, v)
	b.wantNothingLeft(t)
}

func TestCancel_ReachesBothServers(t *testing.T) {
	t.Parallel()
	for name, slow := range map[string]string{
		"before the first row":      `SELECT id, region, amount, note, updated_at FROM public.sales, (SELECT pg_sleep(3600)) s`,
		"in the middle of the rows": `SELECT id, region, amount, repeat('x', 9000) AS note, updated_at FROM public.sales WHERE pg_sleep(0.05) IS NOT NULL`,
	} {
		for _, strategy := range catalog.Of(catalog.RemoteSource) {
			t.Run(string(strategy)+" "+name, func(t *testing.T) {
				t.Parallel()
				b := setup(t, salesSQL...)
				b.change(t, "CREATE VIEW public.source AS "+salesQuery)
				v := b.salesView(strategy)
				v.Query = "SELECT * FROM public.source"
				lookBack(&v, "1d")
				b.add(t, v)
				b.change(t, "CREATE OR REPLACE VIEW public.source AS "+slow)
				b.cancelWhileReading(t, v)
				b.wantNothingLeft(t)
				b.change(t, "CREATE OR REPLACE VIEW public.source AS "+salesQuery)
				b.refresh(t, refresh.Request{View: v.Name})
				b.wantEqual(t, v)
			})
		}
	}
}

// cancelWhileReading cancels a refresh while its statement is under way on the source.
func (b *bundle) cancelWhileReading(t *testing.T, v catalog.View) {
	ctx, cancel := context.WithCancelCause(t.Context())
	refreshing := b.refreshing(ctx, refresh.Request{View: v.Name})
	b.untilAsked(t, v)
	cancel(errors.New("stopped by the test"))
	started := time.Now()
	select {
	case f := <-refreshing:
		if f.err == nil || f.run.State != catalog.Canceled {
			t.Errorf("run is %s, error %v", f.run.State, f.err)
		}
		if took := time.Since(started); took > 10*time.Second {
			t.Errorf("the refresh went on for %s", took)
		}
	case <-time.After(time.Minute):
		t.Fatal("the refresh goes on")
	}
}

// untilAsked waits until the view's statement is under way on the source.
func (b *bundle) untilAsked(t *testing.T, v catalog.View) {
	t.Helper()
	eventually(t, func() error {
		for _, s := range b.source.Statements() {
			if strings.Contains(s.SQL, "FROM public.source") && s.QueryGroup == "redcache "+v.Name.String() && s.End.IsZero() {
				return nil
			}
		}
		return errors.New("the source was not asked")
	})
}
