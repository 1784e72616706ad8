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

// Whoever stops a refresh learns what became of its query on Redshift: it has ended, or may still run.
func TestCancel_TellsWhatBecameOfTheQuery(t *testing.T) {
	t.Parallel()
	takes := map[string]redshiftsim.Cancels{
		"obeyed": redshiftsim.CancelsObeyed, "ignored": redshiftsim.CancelsIgnored, "refused": redshiftsim.CancelsRefused,
	}
	for _, transport := range []catalog.Transport{catalog.DblinkTransport, catalog.StreamTransport} {
		for name, how := range takes {
			t.Run(string(transport)+" "+name, func(t *testing.T) {
				t.Parallel()
				b := setup(t, salesSQL...)
				b.change(t, "CREATE VIEW public.source AS "+salesQuery)
				v := b.salesView(catalog.Merge)
				v.Query, v.Transport = "SELECT * FROM public.source", transport
				b.add(t, v)
				b.change(t, `CREATE OR REPLACE VIEW public.source AS
					SELECT id, region, amount, note, updated_at FROM public.sales, (SELECT pg_sleep(3600)) s`)
				b.source.TakeCancels(how)
				told, err := b.stopWhileReading(t, v)
				mayRun := how != redshiftsim.CancelsObeyed
				if running := errors.As(err, new(*infra.StillRunning)); running != mayRun {
					t.Errorf("got %v, want a query that may still run: %t", err, mayRun)
				}
				if strings.Contains(told, "may still run on Redshift") != mayRun || !strings.Contains(told, "stopped by the test") {
					t.Errorf("the history says %q", told)
				}
				b.wantNothingLeft(t)
			})
		}
	}
}

// stopWhileReading stops a refresh while its query is under way, and returns the reason in the history, and its error.
func (b *bundle) stopWhileReading(t *testing.T, v catalog.View) (told string, err error) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	refreshing := b.refreshing(ctx, refresh.Request{View: v.Name})
	b.untilAsked(t, v)
	eventually(t, func() error { // it may have been prepared only
		var sleeping bool
		err := b.source.Engine.QueryRow(t.Context(), `SELECT count(*) > 0 FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event = 'PgSleep'`).Scan(&sleeping)
		if err == nil && !sleeping {
			err = errors.New("the query is not under way")
		}
		return err
	})
	cancel(errors.New("stopped by the test"))
	select {
	case f := <-refreshing:
		if f.run.State != catalog.Canceled || f.run.Error == nil {
			t.Fatalf("run is %s, error %v", f.run.State, f.err)
		}
		return *f.run.Error, f.err
	case <-time.After(time.Minute):
		t.Fatal("the refresh goes on")
	}
	return "", nil
}
