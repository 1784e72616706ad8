package refresh_test

import (
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

func TestSplit_ReadsTheSameRowsThroughSeveralSessions(t *testing.T) {
	t.Parallel()
	for column, typ := range map[string]string{
		"id": "bigint", "small": "smallint", "price": "numeric(10,2)", "day": "date", "at": "timestamp", "atz": "timestamptz",
	} {
		t.Run(column, func(t *testing.T) {
			t.Parallel()
			b := setup(t,
				`CREATE TABLE public.t (id bigint, small smallint, price numeric(10,2), day date, at timestamp, atz timestamptz)`,
				`INSERT INTO public.t SELECT i, i % 100 - 50, i / 3.0, date '2025-12-31' + i, timestamp '2026-01-01' + i * interval '1 h',
				 timestamptz '2026-01-01 00:00+02' + i * interval '1 s' FROM generate_series(-150, 150) i`,
				`UPDATE public.t SET `+column+` = NULL WHERE id % 50 = 7`)
			v := b.view("t", "SELECT id, small, price, day, at, atz, id::varchar AS label FROM public.t", catalog.Swap)
			v.Split, v.Sessions = column, 3
			b.add(t, v)
			b.wantEqual(t, v)
			b.change(t, `DELETE FROM public.t WHERE id % 10 = 0`)
			run := b.refresh(t, refresh.Request{View: v.Name})
			b.wantEqual(t, v)
			if run.Reason == nil || !strings.Contains(*run.Reason, "read through 3 sessions") {
				t.Errorf("%s %s: reason is %v", column, typ, run.Reason)
			}
			b.wantNothingLeft(t)
		})
	}
}

func TestSplit_IsForMergeToo(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Merge)
	v.Split, v.Sessions = "updated_at", 4
	b.add(t, v)
	b.change(t, `UPDATE public.sales SET amount = 7 WHERE id <= 10`)
	run := b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, v)
	if *run.RowsUpdated != 10 || !strings.Contains(*run.Reason, "read through 4 sessions") {
		t.Errorf("updated %d rows, reason %q", *run.RowsUpdated, *run.Reason)
	}
	b.wantNothingLeft(t)
}

// What cannot be split is read through one session, and the run says why.
func TestSplit_FallsBackToOneSession(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before func(b *bundle, t *testing.T)
		query  string
		want   string
	}{
		"no rows":      {func(b *bundle, t *testing.T) { b.change(t, "TRUNCATE public.sales") }, salesQuery, "has no values"},
		"no more slot": {func(b *bundle, t *testing.T) { b.hold(t, 3) }, salesQuery, "all slots of link dw are taken"},
		"a changing source": {
			func(b *bundle, t *testing.T) {},
			"SELECT id, region, random() AS amount FROM public.sales", "the source changed while the others were opened",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			v := b.view("sales", tt.query, catalog.Swap)
			v.Split, v.Sessions, v.AllowShrink = "id", 2, 100
			b.add(t, v)
			tt.before(b, t)
			run := b.refresh(t, refresh.Request{View: v.Name})
			if run.Reason == nil || !strings.Contains(*run.Reason, tt.want) {
				t.Errorf("reason is %v, want one about %q", run.Reason, tt.want)
			}
			if tt.query == salesQuery {
				b.wantEqual(t, v)
			}
		})
	}
}

// hold takes slots of the link for as long as the test.
func (b *bundle) hold(t *testing.T, slots int) {
	t.Helper()
	tx, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(t.Context()) })
	_, err = tx.Exec(t.Context(), `
		SELECT pg_advisory_xact_lock('redcache.link'::regclass::oid::bigint::bit(32)::integer, $1::integer * 64 + i)
		FROM generate_series(0, $2::integer - 1) i`, b.link.ID, slots)
	if err != nil {
		t.Fatal(err)
	}
}
