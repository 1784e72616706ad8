package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// threeTables are read by a view each, see [bundle.threeViews].
var threeTables = []string{
	"CREATE TABLE public.t0 AS SELECT id FROM generate_series(1, 10) id", "CREATE TABLE public.t1 AS SELECT id FROM generate_series(1, 20) id",
	"CREATE TABLE public.t2 AS SELECT id FROM generate_series(1, 30) id",
}

// threeViews adds a view for each table, and one that is computed from all of them.
func (b *bundle) threeViews() (changes []refresh.Change) {
	var parts []string
	for n := range threeTables {
		v := b.view(fmt.Sprintf("v%d", n), fmt.Sprintf("SELECT id, 1 / id AS part FROM public.t%d", n), catalog.Swap)
		v.Transport, v.Timeout = catalog.StreamTransport, time.Hour
		parts = append(parts, "SELECT id FROM "+v.Name.SQL())
		changes = append(changes, adding(v))
	}
	return append(changes, adding(b.localView("sum", "SELECT count(*) AS n FROM ("+strings.Join(parts, " UNION ALL ")+") u", catalog.Swap)))
}

func adding(v catalog.View) refresh.Change {
	return refresh.Change{Name: v.Name, Add: true, Define: func(to *catalog.View) error { *to = v; return nil }}
}

// locking applies with some of the source's tables locked from the moment on in which the queries are known. It returns what
// unlocks them, and what comes of it.
func (b *bundle) locking(t *testing.T, d *refresh.Definer, changes []refresh.Change, tables string) (unlock func(), applied <-chan error) {
	t.Helper()
	keeper := begin(t, b.source.Engine, pgx.ReadCommitted, "SELECT 1")
	locked, ended := make(chan error, 1), make(chan error, 1)
	judging := d.Judging(func([]refresh.Described) error {
		_, err := keeper.Exec(t.Context(), "LOCK TABLE "+tables+" IN ACCESS EXCLUSIVE MODE")
		locked <- err
		return err
	})
	go func() {
		_, err := judging.Apply(t.Context(), changes)
		ended <- err
	}()
	if err := <-locked; err != nil {
		t.Fatal(err)
	}
	return func() { _ = keeper.Rollback(context.WithoutCancel(t.Context())) }, ended
}

// awaitReads waits until the source is being asked for so many of the tables.
func (b *bundle) awaitReads(t *testing.T, want int) {
	t.Helper()
	eventually(t, func() error {
		var asked []string
		for _, s := range b.source.Statements() {
			if s.End.IsZero() && strings.Contains(s.SQL, "FROM public.t") {
				asked = append(asked, s.SQL)
			}
		}
		if len(asked) != want {
			return fmt.Errorf("the source is being asked for %d tables, want %d: %q", len(asked), want, asked)
		}
		return nil
	})
}

// Of a set several views are built at once, but no more than the link has slots, nor more than was said; and what is computed from
// them comes last.
func TestBuild_SeveralAtOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ slots, builds, together int }{{4, 4, 3}, {2, 4, 2}, {4, 2, 2}, {4, 1, 1}} {
		t.Run(fmt.Sprintf("%d slots, %d builds", tt.slots, tt.builds), func(t *testing.T) {
			t.Parallel()
			b := setup(t, threeTables...)
			b.exec(t, fmt.Sprintf("UPDATE redcache.link SET max_concurrency = %d", tt.slots))
			unlock, applied := b.locking(t, b.definer.Building(tt.builds), b.threeViews(), "public.t0, public.t1, public.t2")
			b.awaitReads(t, tt.together)
			unlock()
			if err := await(t, applied); err != nil {
				t.Fatal(err)
			}
			if n := count(t, b.readers, "SELECT n FROM bi.sum"); n != 60 {
				t.Errorf("the view that is computed from all has %d, want 60", n)
			}
			most := count(t, b.pool, `SELECT max(n) FROM (SELECT (SELECT count(*) FROM redcache.run o
				WHERE o.started_at <= r.started_at AND o.finished_at > r.started_at) AS n FROM redcache.run r) s`)
			if most != tt.together {
				t.Errorf("%d runs at once, want %d", most, tt.together)
			}
			b.wantNothingLeft(t)
		})
	}
}

// One that fails ends the others, whatever they wait for.
func TestBuild_OneThatFailsEndsTheOthers(t *testing.T) {
	t.Parallel()
	b := setup(t, threeTables...)
	b.change(t, "INSERT INTO public.t1 VALUES (0)") // by which it divides
	unlock, applied := b.locking(t, b.definer, b.threeViews(), "public.t0, public.t2")
	defer unlock()
	err := await(t, applied)
	if err == nil || !strings.Contains(err.Error(), "bi.v1") || !strings.Contains(err.Error(), "division by zero") || errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the failure of bi.v1", err)
	}
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}

func count(t *testing.T, pool *pgxpool.Pool, query string) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
