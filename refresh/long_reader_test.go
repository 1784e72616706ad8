package refresh_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// A reader that stays keeps a definition from being changed, whatever becomes of the columns, before anything is read; one that
// comes while it is built does not: it takes effect, and the next refresh shows it.
func TestAlter_MeetsAReaderThatStays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, query string }{
		{"columns come at the end", "SELECT id, batch, note, 1 AS more FROM public.item"},
		{"columns go", "SELECT id, batch FROM public.item"},
		{"the view is dropped", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, v := batches(t, catalog.Swap, catalog.StreamTransport)
			cfg := refresh.Config{Backoff: quick, Patience: 150 * time.Millisecond}
			change := refresh.Change{Name: v.Name, Drop: true}
			if tt.query != "" {
				change = refresh.Change{Name: v.Name, Define: func(v *catalog.View) error { v.Query = tt.query; return nil }}
			}
			before := rows(t, b.pool, `SELECT g, v.changed_at FROM redcache.generation g, redcache.view v`)
			reader := b.longReader(t, v)
			runs, err := refresh.NewDefiner(b.pool, refresh.NewRunner(b.pool, cfg)).Apply(t.Context(), []refresh.Change{change})
			if err == nil || !strings.Contains(err.Error(), "readers kept it in use for 150ms") || len(runs) > 0 ||
				!strings.HasSuffix(err.Error(), fmt.Sprintf("; backends that use it now: %d", reader.Conn().PgConn().PID())) {
				t.Errorf("with a reader from the start: %v, %v", runs, err)
			}
			leave(t, reader)
			if after := rows(t, b.pool, `SELECT g, v.changed_at FROM redcache.generation g, redcache.view v`); !equalRows(before, after) {
				t.Errorf("it has become %v", after)
			}
			if tt.query == "" {
				return
			}
			pool := b.interrupted(t, "SET state = 'abandoned'", 0, func() { reader = b.longReader(t, v) })
			runs, err = refresh.NewDefiner(pool, refresh.NewRunner(pool, cfg)).Apply(t.Context(), []refresh.Change{change})
			if err != nil || len(runs) != 1 || !strings.HasPrefix(runs[0].Note, "readers keep the old generation until the next refresh: ") ||
				!strings.HasSuffix(runs[0].Note, fmt.Sprintf("; backends that use it now: %d", reader.Conn().PgConn().PID())) {
				t.Fatalf("with a reader who comes later: %v, %v", runs, err)
			}
			now, state, err := b.store.ViewAndState(t.Context(), v.Name)
			if err != nil || now.Query != tt.query || *state.Generation != 1 {
				t.Errorf("in force %s, seen %d, %v", now.Query, *state.Generation, err)
			}
			leave(t, reader)
			b.refresh(t, refresh.Request{View: v.Name})
			if got, want := rows(t, b.pool, "TABLE bi.item"), rows(t, b.source.Engine, tt.query); len(got) != len(want) || len(got[0]) != len(want[0]) {
				t.Errorf("readers see %v, want %v", got, want)
			}
		})
	}
}
