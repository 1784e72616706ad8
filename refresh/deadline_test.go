package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// margin is short enough for a test, and long enough to clean up on a busy machine.
const margin = 2 * time.Second

// slowView is a view whose next refresh would take an hour, over a transport.
func (b *bundle) slowView(t *testing.T, transport catalog.Transport, strategy catalog.Strategy, slow string) catalog.View {
	t.Helper()
	b.change(t, "CREATE VIEW public.source AS "+salesQuery)
	v := b.salesView(strategy)
	v.Query, v.Transport, v.Timeout = "SELECT * FROM public.source", transport, time.Hour
	b.add(t, v)
	b.change(t, "CREATE OR REPLACE VIEW public.source AS "+slow)
	return v
}

func TestDeadline_EndsTheWorkOnBothServersBefore(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		transport catalog.Transport
		strategy  catalog.Strategy
		slow      string
	}{
		{
			"dblink, before the first row", catalog.DblinkTransport, catalog.Concurrent,
			`SELECT id, region, amount, note, updated_at FROM public.sales, (SELECT pg_sleep(3600)) s`,
		},
		{
			"dblink, in the middle of the rows", catalog.DblinkTransport, catalog.Merge,
			`SELECT id, region, amount, repeat('x', 9000) AS note, updated_at FROM public.sales WHERE pg_sleep(0.05) IS NOT NULL`,
		},
		{
			"stream, before the first row", catalog.StreamTransport, catalog.Merge,
			`SELECT id, region, amount, note, updated_at FROM public.sales, (SELECT pg_sleep(3600)) s`,
		},
		{
			"stream, in the middle of the rows", catalog.StreamTransport, catalog.Swap,
			`SELECT id, region, amount, repeat('x', 9000) AS note, updated_at FROM public.sales WHERE pg_sleep(0.05) IS NOT NULL`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			v := b.slowView(t, tt.transport, tt.strategy, tt.slow)
			before := rows(t, b.pool, "SELECT * FROM "+v.Name.SQL())
			runner := refresh.NewRunner(b.pool, refresh.Config{Backoff: quick, Margin: margin})
			ctx, cancel := context.WithTimeout(t.Context(), 3*margin)
			defer cancel()
			run, err := runner.Refresh(ctx, refresh.Request{View: v.Name})
			deadline, _ := ctx.Deadline()
			if ctx.Err() != nil {
				t.Errorf("the refresh went on for %s after the deadline", time.Since(deadline))
			}
			var late *refresh.LateError
			if !errors.As(err, &late) || !late.Begun || run.State != catalog.Failed || run.Attempts != 1 {
				t.Errorf("got %s after %d attempts, %v; want a failure that says how late it was", run.State, run.Attempts, err)
			}
			if hint := infra.Hint(err); !strings.Contains(hint, "more time") {
				t.Errorf("hint is %q", hint)
			}
			b.wantNothingLeft(t)
			if ctx.Err() != nil {
				t.Error("something went on until after the deadline")
			}
			for _, s := range b.source.Statements() {
				if s.End.After(deadline) || s.End.IsZero() {
					t.Errorf("ran on the source until %s, after the deadline at %s: %s", s.End, deadline, s.SQL)
				}
			}
			b.wantRows(t, v, before)
		})
	}
}

// A source that falls silent answers no request to cancel either, and no goodbye. Whatever is tried then shares the
// margin, so that the answer comes in time, and the failure is in the history.
func TestDeadline_IsKeptWithASourceThatAnswersNothing(t *testing.T) {
	t.Parallel()
	for _, transport := range []catalog.Transport{catalog.DblinkTransport, catalog.StreamTransport} {
		for _, when := range []string{"before it is asked", "in the middle of the rows"} {
			t.Run(string(transport)+" "+when, func(t *testing.T) {
				t.Parallel()
				b := setup(t, salesSQL...)
				v := b.slowView(t, transport, catalog.Merge,
					`SELECT id, region, amount, repeat('x', 9000) AS note, updated_at FROM public.sales WHERE pg_sleep(0.05) IS NOT NULL`)
				before := rows(t, b.pool, "SELECT * FROM "+v.Name.SQL())
				fallSilent := func(refresh.Phase) {}
				if when == "before it is asked" {
					b.source.Stall(true)
				} else {
					fallSilent = func(phase refresh.Phase) {
						if phase == refresh.Loading {
							b.source.Stall(true)
						}
					}
				}
				defer b.source.Stall(false)
				runner := refresh.NewRunner(b.pool, refresh.Config{Backoff: quick, Margin: margin})
				ctx, cancel := context.WithTimeout(t.Context(), 3*margin)
				defer cancel()
				run, err := runner.Refresh(ctx, refresh.Request{View: v.Name, Progress: fallSilent})
				if ctx.Err() != nil {
					deadline, _ := ctx.Deadline()
					t.Errorf("the refresh went on for %s after the deadline", time.Since(deadline))
				}
				if err == nil || run.State != catalog.Failed || run.FinishedAt == nil {
					t.Errorf("got %s, finished %v, %v; want a failure that is in the history", run.State, run.FinishedAt, err)
				}
				b.wantRows(t, v, before)
			})
		}
	}
}

// Without a deadline, it is the view's timeout that ends the wait: 5 s later it is given up, and all endings share 5 s more.
func TestTimeout_OfASourceThatAnswersNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		transport catalog.Transport
		split     string
		sessions  int
		at        refresh.Phase // when it falls silent
	}{
		{catalog.DblinkTransport, "", 1, refresh.Loading},
		{catalog.StreamTransport, "", 1, refresh.Loading},
		{catalog.StreamTransport, "id", 3, refresh.Loading},
		{catalog.StreamTransport, "", 1, refresh.Connecting},
	} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			v := b.slowView(t, tt.transport, catalog.Merge, "SELECT id, region, amount, note, updated_at FROM public.sales")
			err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) {
				v.Timeout, v.Split, v.Sessions = time.Second, tt.split, tt.sessions
			})
			if err != nil {
				t.Fatal(err)
			}
			b.change(t, "CREATE OR REPLACE VIEW public.source AS SELECT id, region, amount, repeat('x', 9000) AS note, updated_at FROM public.sales WHERE pg_sleep(0.01) IS NOT NULL")
			fallSilent := func(phase refresh.Phase) {
				if phase == tt.at {
					b.source.Stall(true)
				}
			}
			defer b.source.Stall(false)
			began := time.Now()
			_, err = b.runner.Refresh(t.Context(), refresh.Request{View: v.Name, Progress: fallSilent})
			if took := time.Since(began); err == nil || took > (1+5+5+3)*time.Second {
				t.Errorf("it took %s, and ended with %v", took, err)
			}
		})
	}
}

// A deadline that passes although the margin was kept is a failure all the same: nobody asked for the end.
func TestDeadline_ThatPassedIsAFailure(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.slowView(t, catalog.StreamTransport, catalog.Merge,
		`SELECT id, region, amount, note, updated_at FROM public.sales, (SELECT pg_sleep(3600)) s`)
	runner := refresh.NewRunner(b.pool, refresh.Config{Backoff: quick, Margin: margin})
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(3*margin))
	defer cancel()
	block := func(phase refresh.Phase) {
		if phase == refresh.Loading {
			<-ctx.Done() // this process was stopped, and goes on too late
		}
	}
	run, err := runner.Refresh(ctx, refresh.Request{View: v.Name, Progress: block})
	var recorded string
	if err := b.pool.QueryRow(t.Context(), `SELECT state FROM redcache.run ORDER BY id DESC LIMIT 1`).Scan(&recorded); err != nil {
		t.Fatal(err)
	}
	if err == nil || run.State != catalog.Failed || recorded == string(catalog.Canceled) {
		t.Errorf("got %s, recorded as %s, %v", run.State, recorded, err)
	}
}

// A process that hangs cannot cancel anything. So the servers were told when to end.
func TestDeadline_IsKnownToBothServers(t *testing.T) {
	t.Parallel()
	for _, transport := range []catalog.Transport{catalog.DblinkTransport, catalog.StreamTransport} {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			v := b.salesView(catalog.Merge)
			v.Transport, v.Timeout = transport, time.Hour
			b.add(t, v)
			b.noteLimits(t)
			b.wantLimits(t, v, 0, time.Hour-time.Minute, time.Hour)
			b.wantLimits(t, v, 40*time.Second, 20*time.Second, 40*time.Second-margin)
			b.wantLimits(t, v, 2*time.Hour, time.Hour-time.Minute, time.Hour)
		})
	}
}

// noteLimits makes the cache note the limit under which a run is recorded as succeeded.
func (b *bundle) noteLimits(t *testing.T) {
	t.Helper()
	for _, sql := range []string{
		`CREATE TABLE bi.noted (at timestamptz DEFAULT clock_timestamp(), seconds double precision)`,
		`CREATE FUNCTION bi.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		    INSERT INTO bi.noted (seconds)
		    SELECT extract(epoch FROM current_setting('statement_timeout')::interval);
		    RETURN NULL;
		END $$`,
		`CREATE TRIGGER note AFTER UPDATE ON redcache.run FOR EACH ROW WHEN (NEW.state = 'succeeded') EXECUTE FUNCTION bi.note()`,
	} {
		if _, err := b.pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
}

var remoteTimeout = regexp.MustCompile(`SET statement_timeout TO (\d+)`)

// wantLimits refreshes with so much time, or without a deadline, and wants both servers to have been given a time
// between two.
func (b *bundle) wantLimits(t *testing.T, v catalog.View, within, least, most time.Duration) {
	t.Helper()
	ctx := t.Context()
	if within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	runner := refresh.NewRunner(b.pool, refresh.Config{Margin: margin})
	if _, err := runner.Refresh(ctx, refresh.Request{View: v.Name}); err != nil {
		t.Fatal(err)
	}
	var seconds float64
	if err := b.pool.QueryRow(t.Context(), `SELECT seconds FROM bi.noted ORDER BY at DESC LIMIT 1`).Scan(&seconds); err != nil {
		t.Fatal(err)
	}
	if local := time.Duration(seconds * float64(time.Second)); local < least || local > most {
		t.Errorf("the cache was given %s, want %s to %s", local, least, most)
	}
	var remote time.Duration
	for _, s := range b.source.Statements() {
		if set := remoteTimeout.FindStringSubmatch(s.SQL); set != nil {
			remote, _ = time.ParseDuration(set[1] + "ms")
		}
	}
	if remote < least || remote > most {
		t.Errorf("the source was given %s, want %s to %s", remote, least, most)
	}
}

func TestDeadline_IsTooNearToBegin(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Merge)
	b.add(t, v)
	ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
	defer cancel()
	run, err := b.runner.Refresh(ctx, refresh.Request{View: v.Name})
	var late *refresh.LateError
	if !errors.As(err, &late) || late.Begun || run.ID != 0 {
		t.Fatalf("got run %d, %v; want none", run.ID, err)
	}
	const want = "are left before the caller's deadline, and a refresh begins with 10s at least"
	if !strings.Contains(err.Error(), v.Name.String()) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %q", err)
	}
}

// A pause after which there would be too little time is not made.
func TestDeadline_IsNotSpentOnPauses(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Merge)
	b.add(t, v)
	b.source.Pause()
	runner := refresh.NewRunner(b.pool, refresh.Config{
		Backoff: infra.Backoff{Base: 2 * time.Minute, Max: 2 * time.Minute}, Margin: margin,
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	started := time.Now()
	run, err := runner.Refresh(ctx, refresh.Request{View: v.Name})
	var late *refresh.LateError
	if !errors.As(err, &late) || run.State != catalog.Failed || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %s, %v; want a failure that names what was wrong, and that there is no time", run.State, err)
	}
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	if err := b.source.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.wantNothingLeft(t)
}
