package refresh_test

import (
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// What lies past a watermark comes through dblink while it is little, and by the stream once that has turned out to be
// much.
func TestTransport_AutoStreamsALargeTail(t *testing.T) {
	t.Parallel()
	b := setup(t,
		"CREATE TABLE public.events (id bigint, at timestamp)",
		"INSERT INTO public.events VALUES (0, '2026-01-01')")
	v := b.view("events", "SELECT id, at FROM public.events", catalog.Incremental)
	v.Key, v.Watermark, v.Lookback = []string{"id"}, "at", "0"
	b.add(t, v)
	for i, want := range []struct {
		rows      int
		transport catalog.Transport
	}{{10, catalog.DblinkTransport}, {20_100, catalog.DblinkTransport}, {20_100, catalog.StreamTransport}, {10, catalog.StreamTransport}} {
		b.change(t, `INSERT INTO public.events
			SELECT (SELECT max(id) FROM public.events) + n, (SELECT max(at) FROM public.events) + n * interval '1 second'
			FROM generate_series(1, $1::integer) n`, want.rows)
		run := b.refresh(t, refresh.Request{View: v.Name})
		if *run.Transport != want.transport || *run.RowsInserted != int64(want.rows) {
			t.Errorf("run %d: %d rows by %s, want %d by %s", i, *run.RowsInserted, *run.Transport, want.rows, want.transport)
		}
		b.wantEqual(t, v)
	}
	b.wantNothingLeft(t)
}

// While Redshift computes, the transaction of a stream is idle. It must be allowed to be for as long as the view's
// timeout, not only for as long as any other transaction is; and a lost network must be noticed all the same.
func TestTransport_StreamMayComputeForAsLongAsItsTimeout(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Merge)
	v.Transport, v.Timeout = catalog.StreamTransport, 20*time.Minute
	b.add(t, v)
	for _, statement := range []string{
		`CREATE TABLE public.seen (name text, setting text)`,
		`CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN
				INSERT INTO public.seen SELECT name, setting FROM pg_settings
				WHERE name IN ('idle_in_transaction_session_timeout', 'tcp_keepalives_idle');
				RETURN NULL;
			END $$`,
		`CREATE TRIGGER see AFTER INSERT ON redcache_data.v1_g1 EXECUTE FUNCTION public.see()`,
	} {
		if _, err := b.pool.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	b.change(t, `INSERT INTO public.sales (id) VALUES (9001)`)
	b.refresh(t, refresh.Request{View: v.Name})
	var idle, keepalive int
	err := b.pool.QueryRow(t.Context(), `
		SELECT max(setting::integer) FILTER (WHERE name LIKE 'idle%') / 1000, max(setting::integer) FILTER (WHERE name LIKE 'tcp%')
		FROM public.seen`).Scan(&idle, &keepalive)
	if err != nil {
		t.Fatal(err)
	}
	if idle < int(v.Timeout.Seconds()) || keepalive != 15 {
		t.Errorf("a transaction may be idle for %d s, want %s; keepalives begin after %d s, want 15", idle, v.Timeout, keepalive)
	}
}
