package doctor_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/doctor"
)

// between does something after the catalog was read, and before what it says is looked at.
type between struct {
	read, done atomic.Bool
	do         func()
}

// TraceQueryStart looks where it is.
func (b *between) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	switch {
	case strings.Contains(data.SQL, "pg_total_relation_size(c.oid) AS bytes"):
		b.read.Store(true)
	case strings.Contains(data.SQL, "REPEATABLE READ") && b.read.Load() && !b.done.Swap(true):
		b.do()
	}
	return ctx
}

// TraceQueryEnd does nothing.
func (b *between) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// Views that are swapped while they are examined are in order.
func TestExamine_WhileViewsAreSwapped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.add(t, "sales", func(v *catalog.View) { v.Strategy = catalog.Swap })
	swap := &between{do: func() { b.refresh(t, v) }}
	config := b.pool.Config()
	config.ConnConfig.Tracer = swap
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	checks, err := doctor.New(pool, b.cfg).Examine(t.Context())
	if now, _, _ := b.store.ViewAndState(t.Context(), v.Name); err != nil || now.Generation != v.Generation+1 {
		t.Fatalf("it was not swapped: generation %d, %v", now.Generation, err)
	}
	for _, c := range checks {
		if c.Result != doctor.OK && strings.HasPrefix(c.ID, "view-") {
			t.Errorf("%s: %s: %s: %s", c.ID, c.Result, c.About, c.Finding)
		}
	}
}
