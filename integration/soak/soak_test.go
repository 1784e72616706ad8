package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
)

// The soak proves little unless it notices what is wrong. Each case does harm once, in the step that it is told.
func TestSoak_NoticesHarm(t *testing.T) {
	t.Parallel()
	w := testWorld(t)
	const generation = "redcache_data.v1_g1"
	for name, tt := range map[string]struct {
		harm func(ctx context.Context, h *history) error
		want string
	}{
		"nothing": {func(context.Context, *history) error { return nil }, ""},
		"a value that differs by a blank": {
			harmBy("UPDATE " + generation + " SET code = code || ' ' WHERE ctid = (SELECT min(ctid) FROM " + generation + ")"),
			"differs from its source",
		},
		"a row that is lost": {
			harmBy("DELETE FROM " + generation + " WHERE ctid = (SELECT min(ctid) FROM " + generation + ")"), "differs from its source",
		},
		"a row that is there twice": {
			harmBy("ALTER TABLE "+generation+" DROP CONSTRAINT IF EXISTS nothing", "DROP INDEX redcache_data.v1_g1_key",
				"INSERT INTO "+generation+" SELECT * FROM "+generation+" LIMIT 1"), "differs from its source",
		},
		"a watermark that moved by itself": {
			harmBy("UPDATE redcache.generation SET watermark = '1999-12-31 23:59:59'"), "has watermark",
		},
		"a moment without rows":   {emptyForAMoment, "which was at no time"},
		"a lock that is left":     {lockForGood(t), "holds an advisory lock"},
		"a prepared transaction":  {harmBy("BEGIN", "SELECT 1", "PREPARE TRANSACTION 'forgotten'"), "forgotten"},
		"a generation of no view": {harmBy("CREATE TABLE redcache_data.v99_g1 ()"), "v99_g1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHistory(options{steps: 2}, 1)
			h.patience, h.sizes = time.Second, []int{1}
			h.define = func(v *catalog.View) {
				v.Query, v.Strategy, v.Key, v.Transport = queries[0].remote, catalog.Incremental, []string{"id"}, catalog.AutoTransport
				v.Watermark, v.Lookback, v.Split, v.Sessions, v.Indexes = "at", "5s", "", 1, nil
				v.SkipUnchanged = catalog.SkipOff
			}
			h.harm = func(ctx context.Context) error {
				if h.now() != 2 {
					return nil
				}
				return tt.harm(ctx, h)
			}
			err := h.run(t.Context(), w)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(everything(err), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// testWorld starts servers for the histories of one test.
func testWorld(t *testing.T) *world {
	t.Helper()
	w, err := startWorld(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.stop(false); err != nil {
			t.Error(err)
		}
	})
	return w
}

// everything is what an error says, with the rows.
func everything(err error) string {
	text := err.Error()
	if d := (*differenceError)(nil); errors.As(err, &d) {
		text += strings.Join(d.rows, "\n")
	}
	return text
}

func harmBy(statements ...string) func(ctx context.Context, h *history) error {
	return func(ctx context.Context, h *history) error {
		conn, err := h.pair.admin.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		for _, sql := range statements {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	}
}

// emptyForAMoment takes all rows away until each reader has looked a few times, and brings them back.
func emptyForAMoment(ctx context.Context, h *history) error {
	u := h.units[0]
	looks := func() int {
		u.mu.Lock()
		defer u.mu.Unlock()
		return len(u.looks)
	}
	if err := harmBy("CREATE TABLE public.kept AS TABLE redcache_data.v1_g1", "DELETE FROM redcache_data.v1_g1")(ctx, h); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("no reader looks"))
	defer cancel()
	for before := looks(); looks() < before+6; {
		if pauseFor(ctx, 5*time.Millisecond) != nil {
			return context.Cause(ctx)
		}
	}
	return harmBy("INSERT INTO redcache_data.v1_g1 TABLE public.kept")(ctx, h)
}

// lockForGood holds a lock until the test is over.
func lockForGood(t *testing.T) func(ctx context.Context, h *history) error {
	t.Helper()
	return func(ctx context.Context, h *history) error {
		conn, err := pgx.Connect(ctx, h.pair.cache.OwnerURL(h.pair.cacheDB))
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(ctx)) })
		_, err = conn.Exec(ctx, "SELECT pg_advisory_lock(42)")
		return err
	}
}
