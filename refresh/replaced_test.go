package refresh_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// A view that somebody has put in the place of a published one is told from it by what it shows, and not by its number.
func TestReplaced_IsTakenForOursOnlyWhenItShowsTheSame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query   string
		altered bool
	}{
		"the same":         {"SELECT id,region,\n amount, note, updated_at FROM redcache_data.v1_g1", false},
		"fewer rows":       {"SELECT id, region, amount, note, updated_at FROM redcache_data.v1_g1 WHERE id < 10", true},
		"a constant":       {"SELECT id, region, amount, 'x'::text AS note, updated_at FROM redcache_data.v1_g1", true},
		"another column":   {"SELECT id, note AS region, amount, region AS note, updated_at FROM redcache_data.v1_g1", true},
		"fewer columns":    {"SELECT id FROM redcache_data.v1_g1", true},
		"something beside": {"SELECT g.id, region, amount, note, updated_at FROM redcache_data.v1_g1 g, pg_catalog.pg_class", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			v := b.salesView(catalog.Swap)
			b.add(t, v)
			b.exec(t, "DROP VIEW "+v.Name.SQL())
			b.exec(t, "CREATE VIEW "+v.Name.SQL()+" AS "+c.query)
			_, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
			if c.altered != (err != nil && strings.Contains(err.Error(), "somebody has changed its query")) {
				t.Errorf("refresh: %v", err)
			}
		})
	}
}

// What somebody has run before each row is written could keep it away, or change it: nothing is written where that is so.
func TestTriggers_ThatCouldKeepRowsAwayAreNamed(t *testing.T) {
	t.Parallel()
	for _, strategy := range []catalog.Strategy{catalog.Merge, catalog.Incremental} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			v := b.salesView(strategy)
			b.add(t, v)
			b.exec(t, `CREATE FUNCTION public.none() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`)
			b.exec(t, `CREATE TRIGGER "No ""rows" BEFORE INSERT OR UPDATE ON redcache_data.v1_g1 FOR EACH ROW EXECUTE FUNCTION public.none()`)
			b.change(t, `UPDATE public.sales SET amount = amount + 1, updated_at = '2026-02-01' WHERE id <= 10`)
			_, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
			if err == nil || !strings.Contains(err.Error(), `trigger "No ""rows" on "redcache_data"."v1_g1" may change what a refresh writes`) {
				t.Fatalf("got %v", err)
			}
			drop, _, _ := strings.Cut(infra.Hint(err), ";")
			b.exec(t, drop)
			b.refresh(t, refresh.Request{View: v.Name})
			b.wantEqual(t, v)
		})
	}
}

// A change of a column's type that readers do not see yet is closed by the next refresh with the rows that were loaded for it.
func TestGap_OfAnotherTypeIsClosedWithoutReadingAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	b.runner = refresh.NewRunner(b.pool, refresh.Config{Backoff: quick, Patience: 300 * time.Millisecond, SwitchPatience: 300 * time.Millisecond})
	b.definer = refresh.NewDefiner(b.pool, b.runner)
	v := b.salesView(catalog.Merge)
	v.Transport = catalog.DblinkTransport
	b.add(t, v)
	old := b.oldReader(t)
	run, err := b.definer.Alter(t.Context(), v.Name, func(to *catalog.View) error { retype(to); return nil }, false, nil)
	if err != nil || run.Note == "" {
		t.Fatalf("%v, note %q", err, run.Note)
	}
	if err := old.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := b.refresh(t, refresh.Request{View: v.Name})
	if again.Reason != nil && strings.Contains(*again.Reason, "built anew") || again.Generation != run.Generation {
		t.Errorf("generation %d after %d: %s", again.Generation, run.Generation, again.PublicReason)
	}
}
