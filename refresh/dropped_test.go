package refresh_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/refresh"
)

// interrupting does something as soon as a query has been answered, once it has been so many times before.
type interrupting struct {
	what string
	left atomic.Int32
	do   func()
}

// TraceQueryStart notes the query.
func (i *interrupting) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, askedKey{}, data.SQL == i.what || i.what != "rollback" && strings.Contains(data.SQL, i.what))
}

// TraceQueryEnd interrupts.
func (i *interrupting) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	if is, _ := ctx.Value(askedKey{}).(bool); is && i.left.Add(-1) == -1 {
		i.do()
	}
}

// interrupted is a pool of whose statements one is followed by something else.
func (b *bundle) interrupted(t *testing.T, what string, before int32, do func()) *pgxpool.Pool {
	t.Helper()
	config, tracer := b.pool.Config(), &interrupting{what: what, do: do}
	tracer.left.Store(before)
	config.ConnConfig.Tracer = tracer
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// A view that is dropped under a refresh is said to be, whenever that happens, and not what that does to the history.
func TestRefresh_SaysThatTheViewWasDropped(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, after string // the statement after which it is dropped
		held        bool   // by somebody else, when it is asked for
	}{
		{name: "before it is skipped", after: "FROM pg_catalog.pg_locks AS l", held: true},
		{name: "before its skipped run is written", after: "clock_timestamp() AS now", held: true},
		{name: "before its skipped run is read", after: "s.touched_at <= ", held: true},
		{name: "between two attempts", after: "rollback"},
		{name: "while it waits for the lock", after: "bool_or(s.view_id IS NULL)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, v := batches(t, catalog.Swap, catalog.StreamTransport)
			stored, err := b.store.View(t.Context(), v.Name)
			if err != nil {
				t.Fatal(err)
			}
			pool := b.interrupted(t, tt.after, 0, func() {
				// As somebody who has waited for the lock does, at once.
				if err := b.store.DropView(context.WithoutCancel(t.Context()), stored); err != nil {
					t.Error(err)
				}
			})
			if tt.held {
				holder, err := b.pool.Begin(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = holder.Rollback(context.WithoutCancel(t.Context())) }()
				if err := lock.View(t.Context(), holder, stored.ID, 0); err != nil {
					t.Fatal(err)
				}
			} else {
				b.source.FailNext("public.item", redshiftsim.SerializationFailure(100))
			}
			run, err := refresh.NewRunner(pool, refresh.Config{Backoff: quick}).Refresh(t.Context(), refresh.Request{View: v.Name})
			gone, is := errors.AsType[*catalog.NotFoundError](err)
			if !is || !gone.Gone || infra.Message(err) != "view bi.item does not exist any more: somebody has dropped it meanwhile" {
				t.Errorf("got %s, %v", run.State, err)
			}
		})
	}
}

// Nobody is told of a view that was dropped while it was altered that it stays as it is, nor of a key that a link lacks.
func TestAlter_SaysWhatIsGoneMeanwhile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		what, after string
		before      int32
		drop, want  string
	}{
		{
			"view, while it is built", "UPDATE redcache.set SET touched_at", 0, `DELETE FROM redcache.generation; DELETE FROM redcache.state;
				DELETE FROM redcache.run; DELETE FROM redcache.view`, "what was being built is gone: somebody has dropped a view of it",
		},
		{
			"view, once it is built", "UPDATE redcache.set SET touched_at", 2, `DELETE FROM redcache.generation; DELETE FROM redcache.state;
				DELETE FROM redcache.run; DELETE FROM redcache.view`, "view bi.item does not exist any more: somebody has dropped it meanwhile",
		},
		{
			"link", "FROM redcache.link ORDER BY name", 0, `UPDATE redcache.generation SET link_id = NULL; DELETE FROM redcache.link_state;
				DELETE FROM redcache.link`, "link dw does not exist any more: somebody has removed it meanwhile",
		},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			b, v := batches(t, catalog.Swap, catalog.StreamTransport)
			pool := b.interrupted(t, tt.after, tt.before, func() {
				b.exec(t, tt.drop)
			})
			_, err := refresh.NewDefiner(pool, refresh.NewRunner(pool, refresh.Config{Backoff: quick})).Alter(t.Context(), v.Name,
				func(v *catalog.View) error { v.Indexes = []string{"batch"}; return nil }, false, nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
