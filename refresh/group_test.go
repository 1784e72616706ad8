package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

const aged = 50 // rows of each table of a group

// group adds a view for each strategy, each of a table of its own whose rows all have the same age.
func (b *bundle) group(t *testing.T, transport catalog.Transport, strategies ...catalog.Strategy) (views []catalog.View) {
	t.Helper()
	for n, strategy := range strategies {
		b.change(t, fmt.Sprintf(`CREATE TABLE public.t%d AS
			SELECT i AS id, 0 AS age, timestamp '2026-01-01' AS at FROM generate_series(1, %d) i`, n, aged))
		v := b.view(fmt.Sprintf("v%d", n), fmt.Sprintf("SELECT id, age, at FROM public.t%d", n), strategy)
		v.Key, v.Transport, v.Group = []string{"id"}, transport, "finance"
		if strategy == catalog.Incremental {
			v.Watermark, v.Lookback = "at", "0"
		}
		if v.Materialized() {
			v.Transport = catalog.AutoTransport
		}
		b.add(t, v)
		views = append(views, v)
	}
	return views
}

// grow makes the rows of all tables one older, in one transaction.
func (b *bundle) grow(ctx context.Context, views []catalog.View) error {
	return pgx.BeginFunc(ctx, b.source.Engine, func(tx pgx.Tx) error { return grow(ctx, tx, views) })
}

func grow(ctx context.Context, tx pgx.Tx, views []catalog.View) error {
	for n := range views {
		sql := fmt.Sprintf("UPDATE public.t%d SET age = age + 1, at = at + interval '1 second'", n)
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// wantAge wants readers to see one age in all views, and which.
func (b *bundle) wantAge(t *testing.T, views []catalog.View, want int) {
	t.Helper()
	age, err := joined(t.Context(), b.readers, views)
	if err != nil || age != want {
		t.Errorf("readers see age %d, %v; want %d", age, err, want)
	}
}

func TestGroup_IsReadInOneSnapshot(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, transport catalog.Transport) {
		b := setup(t)
		views := b.group(t, transport, catalog.Merge, catalog.Merge)
		// The second read has to wait until both tables have changed.
		change := begin(t, b.source.Engine, pgx.ReadCommitted, "LOCK TABLE public.t1 IN ACCESS EXCLUSIVE MODE")
		started := time.Now()
		refreshing := b.refreshing(t.Context(), refresh.Request{View: views[0].Name})
		b.awaitRead(t, "public.t1", started)
		if err := grow(t.Context(), change, views); err != nil {
			t.Fatal(err)
		}
		if err := change.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantSucceeded(t, refreshing)
		b.wantAge(t, views, 0)
		run := b.refresh(t, refresh.Request{View: views[1].Name})
		b.wantAge(t, views, 1)
		if run.View != views[1].Name || len(run.Others) != 1 || run.Others[0].View != views[0].Name || !run.Others[0].AsOf.Equal(*run.AsOf) {
			t.Errorf("got a run of %s, and others %+v", run.View, run.Others)
		}
		b.wantNothingLeft(t)
	})
}

// awaitRead waits until the source has been asked for a table, and has not answered.
func (b *bundle) awaitRead(t *testing.T, table string, since time.Time) {
	t.Helper()
	eventually(t, func() error {
		for _, s := range b.source.Statements() {
			if s.Start.After(since) && s.End.IsZero() && strings.Contains(s.SQL, table) {
				return nil
			}
		}
		return errors.New("the source was not asked for " + table)
	})
}

func TestGroup_OneThatFailsKeepsTheOldRowsOfAll(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, strategy catalog.Strategy, transport catalog.Transport) {
		b := setup(t)
		views := b.group(t, transport, strategy, strategy, strategy)
		for _, tt := range []struct{ cause, repair, want string }{
			{"", "", "isk"},
			{"INSERT INTO public.t1 SELECT * FROM public.t1 WHERE id = 1", "DELETE FROM public.t1 WHERE ctid IN (SELECT max(ctid) FROM public.t1 WHERE id = 1)", "repeats"},
			{"ALTER TABLE public.t1 RENAME TO gone", "ALTER TABLE public.gone RENAME TO t1", "does not exist"},
		} {
			if tt.cause == "" {
				b.source.FailNext("public.t1", redshiftsim.DiskFull())
			} else {
				b.change(t, tt.cause)
			}
			run, err := b.runner.Refresh(t.Context(), refresh.Request{View: views[0].Name})
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "view bi.v1 of group finance") || infra.Hint(err) == "" {
				t.Errorf("got %v, hint %q; want a failure of bi.v1 about %q", err, infra.Hint(err), tt.want)
			}
			for _, r := range append(run.Others, run) {
				if r.State != catalog.Failed {
					t.Errorf("the run of %s is %s", r.View, r.State)
				}
			}
			b.wantAge(t, views, 0)
			if n := len(rows(t, b.pool, `SELECT FROM redcache.state WHERE failures = 0`)); n > 0 {
				t.Errorf("%d members have not failed", n)
			}
			if tt.repair != "" {
				b.change(t, tt.repair)
			}
			b.refresh(t, refresh.Request{View: views[2].Name})
		}
		if err := b.grow(t.Context(), views); err != nil {
			t.Fatal(err)
		}
		b.refresh(t, refresh.Request{View: views[2].Name})
		b.wantAge(t, views, 1)
		b.wantNothingLeft(t)
	}, catalog.Swap, catalog.Merge)
}

func TestGroup_IsOfOneLink(t *testing.T) {
	t.Parallel()
	b := setup(t)
	views := b.group(t, catalog.AutoTransport, catalog.Merge, catalog.Merge)
	other := b.link
	other.Name = "other"
	other, err := access.CreateLink(t.Context(), b.pool, other, access.Login{Password: redshiftsim.Password})
	if err != nil {
		t.Fatal(err)
	}
	stranger := views[0]
	stranger.Name.View, stranger.LinkName = "stranger", other.Name
	var invalid *catalog.InvalidError
	if _, err := b.definer.Add(t.Context(), stranger, false, nil); !errors.As(err, &invalid) || !strings.Contains(err.Error(), "other") {
		t.Errorf("a view of another link joined: %v", err)
	}
	stranger.Group = ""
	b.add(t, stranger)
	if err := <-b.alter(t.Context(), stranger.Name, func(v *catalog.View) { v.Group = "finance" }); !errors.As(err, &invalid) {
		t.Errorf("a view of another link joined: %v", err)
	}
	b.refresh(t, refresh.Request{View: views[0].Name})
	b.wantNothingLeft(t)
}

func TestGroup_WhoJoinsOrLeavesWhileARefreshWaits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	views := b.group(t, catalog.AutoTransport, catalog.Merge, catalog.Swap, catalog.Merge)
	refreshed := func(change func(*catalog.View)) (names []string) {
		t.Helper()
		holder := b.holder(t, views[0])
		waiting := make(chan refresh.Phase, 20)
		refreshing := b.refreshing(t.Context(), refresh.Request{
			View: views[0].Name, Wait: 20 * time.Second, Progress: func(p refresh.Phase) { waiting <- p },
		})
		await(t, waiting)
		if err := <-b.alter(t.Context(), views[2].Name, change); err != nil {
			t.Fatal(err)
		}
		leave(t, holder)
		run := wantSucceeded(t, refreshing)
		for _, r := range append(run.Others, run) {
			names = append(names, r.View.View+" "+string(r.State))
		}
		slices.Sort(names)
		b.wantNothingLeft(t)
		return names
	}
	got := refreshed(func(v *catalog.View) { v.Group = "" })
	if want := []string{"v0 succeeded", "v1 succeeded"}; !slices.Equal(got, want) {
		t.Errorf("after one left: got %s, want %s", got, want)
	}
	got = refreshed(func(v *catalog.View) { v.Group = "finance" })
	if want := []string{"v0 succeeded", "v1 succeeded", "v2 succeeded"}; !slices.Equal(got, want) {
		t.Errorf("after one joined: got %s, want %s", got, want)
	}
}

func TestGroup_IsRefreshedByOneAtATime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	views := b.group(t, catalog.StreamTransport, catalog.Swap, catalog.Swap)
	keeper := begin(t, b.source.Engine, pgx.ReadCommitted, "LOCK TABLE public.t0 IN ACCESS EXCLUSIVE MODE")
	started := time.Now()
	first := b.refreshing(t.Context(), refresh.Request{View: views[0].Name})
	b.awaitRead(t, "public.t0", started)
	run, err := b.runner.Refresh(t.Context(), refresh.Request{View: views[1].Name})
	if err != nil || run.State != catalog.Skipped || run.Holder == nil || !strings.Contains(*run.Holder, "redcache") {
		t.Errorf("got %s, %v, holder %v; want a skipped run", run.State, err, run.Holder)
	}
	leave(t, keeper)
	wantSucceeded(t, first)
	b.wantNothingLeft(t)
}
