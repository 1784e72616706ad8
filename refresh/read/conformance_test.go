package read_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/read"
)

// suite is what every transport must pass, by what it promises.
var suite = map[string]func(t *testing.T, b *linktest.Bundle, open func(t *testing.T, tx pgx.Tx) read.Session){
	"loads what the query returns":          loadsAll,
	"loads what a condition leaves":         loadsSome,
	"is frozen only if all may see it":      frozenForAll,
	"selects what it loads":                 selectsTheSame,
	"keeps a snapshot":                      keepsASnapshot,
	"tells whose error it is":               tellsTheSide,
	"can be asked after a failure":          canBeAsked,
	"ends on Redshift when its caller does": endsThere,
	"leaves nothing open":                   leavesNothing,
}

func TestTransports(t *testing.T) {
	t.Parallel()
	for _, transport := range []catalog.Transport{catalog.DblinkTransport, catalog.StreamTransport} {
		for promise, test := range suite {
			t.Run(string(transport)+" "+promise, func(t *testing.T) {
				t.Parallel()
				b := linktest.Named(t, redshift.ServerPrefix+"dw")
				linktest.Exec(t, b.Warehouse.Engine, `
					CREATE TABLE sale AS SELECT i AS id, 'net ' || i AS name, i / 4.0::numeric(12,2) AS net, i / 7.0::float8 AS share,
						'2026-01-01'::timestamp + i * interval '1 hour' AS at, NULLIF(i % 3 = 0, true) AS live
					FROM generate_series(1, 500) i`)
				opener := read.NewOpener(b.Cache)
				test(t, b, func(t *testing.T, tx pgx.Tx) read.Session {
					t.Helper()
					s, why, err := opener.Open(t.Context(), tx, read.Wish{
						Link: link(b), Transport: transport, Idle: time.Minute,
						Settings: redshift.Settings{StatementTimeout: time.Minute},
					})
					if err != nil || why != nil || s.Transport() != transport {
						t.Fatalf("opened %v, by another transport for %v, %v", s, why, err)
					}
					return s
				})
			})
		}
	}
}

const sales = "SELECT id, name, net, share, at, live FROM sale"

func loadsAll(t *testing.T, b *linktest.Bundle, open func(t *testing.T, tx pgx.Tx) read.Session) {
	q := query(t, b, sales)
	b.InTx(t, func(tx pgx.Tx) {
		s := open(t, tx)
		if _, err := time.Parse(time.DateTime, s.Clock()); err != nil {
			t.Errorf("its clock says %q", s.Clock())
		}
		into := table(t, tx, q)
		got := mustLoad(t, s, tx, q, into)
		if diff := cmp.Diff(rows(t, b.Warehouse.Engine, "("+sales+")"), rows(t, tx, into)); diff != "" || got.Rows != 500 {
			t.Errorf("%d rows: %s", got.Rows, diff)
		}
		if again := mustLoad(t, s, tx, query(t, b, sales+" WHERE id < 0"), into); again.Rows != 0 {
			t.Errorf("%d rows of none", again.Rows)
		}
		mustClose(t, s)
	})
}

func loadsSome(t *testing.T, b *linktest.Bundle, open func(t *testing.T, tx pgx.Tx) read.Session) {
	q := query(t, b, sales)
	q.Where = "q.id > 490 OR q.id IS NULL"
	b.InTx(t, func(tx pgx.Tx) {
		s := open(t, tx)
		into := table(t, tx, q)
		mustLoad(t, s, tx, q, into)
		if diff := cmp.Diff(rows(t, b.Warehouse.Engine, "("+sales+" WHERE id > 490)"), rows(t, tx, into)); diff != "" {
			t.Error(diff)
		}
		mustClose(t, s)
	})
}

// frozenForAll holds what is said of the rows against a transaction that began before they were there.
func frozenForAll(t *testing.T, b *linktest.Bundle, open func(t *testing.T, tx pgx.Tx) read.Session) {
	q := query(t, b, sales)
	old, err := b.Cache.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Rollback(context.WithoutCancel(t.Context())) }()
	linktest.Text(t, old, "SELECT 'a snapshot'")
	var got read.Loaded
	b.InTx(t, func(tx pgx.Tx) {
		s := open(t, tx)
		got = mustLoad(t, s, tx, q, table(t, tx, q))
		mustClose(t, s)
	})
	if seen := len(rows(t, old, "copy")); (seen == 500) != got.Frozen || seen != 0 && seen != 500 {
		t.Errorf("frozen: %v, and an older transaction sees %d rows", got.Frozen, seen)
	}
}

func selectsTheSame(t *testing.T, b *linktest.Bundle, open func(t *testing.T, tx pgx.Tx) read.Session) {
	q := query(t, b, sales)
	b.InTx(t, func(tx pgx.Tx) {
		s := open(t, tx)
		into := table(t, tx, q)
		text, err := s.Select(q)
		if (err == nil) != s.Selects() {
			t.Errorf("selects: %v, and the statement: %v", s.Selects(), err)
		}
		plan, err := s.Plan(q, into)
		if err != nil || !strings.Contains(plan, into) {
			t.Errorf("planned %q, %v", plan, err)
		}
		if s.Selects() {
			mustLoad(t, s, tx, q, into)
			loaded := rows(t, tx, into)
			if diff := cmp.Diff(loaded, rows(t, tx, "("+text+")")); diff != "" {
				t.Error(diff)
			}
			linktest.Exec(t, tx, "TRUNCATE copy")
			linktest.Exec(t, tx, plan)
			if diff := cmp.Diff(loaded, rows(t, tx, into)); diff != "" {
				t.Errorf("by the plan: %s", diff)
			}
		}
		mustClose(t, s)
	})
}

func keepsASnapshot(t *testing.T, b *linktest.Bundle, open func(t *testing.T, tx pgx.Tx) read.Session) {
	q := query(t, b, sales)
	b.InTx(t, func(tx pgx.Tx) {
		s := open(t, tx)
		if err := s.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Rows(t.Context(), redshift.LockSQL(sales), 1); err != nil {
			t.Fatal(err)
		}
		linktest.Exec(t, b.Warehouse.Engine, "DELETE FROM sale WHERE id > 10")
		into := table(t, tx, q)
		if got := mustLoad(t, s, tx, q, into); got.Rows != 500 {
			t.Errorf("%d rows of a snapshot of 500", got.Rows)
		}
		if err := s.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := mustLoad(t, s, tx, q, into); got.Rows != 10 {
			t.Errorf("%d rows after the snapshot, want 10", got.Rows)
		}
		mustClose(t, s)
	})
}

func tellsTheSide(t *testing.T, b *linktest.Bundle, open func(t *testing.T, tx pgx.Tx) read.Session) {
	q := query(t, b, sales)
	b.InTx(t, func(tx pgx.Tx) {
		s := open(t, tx)
		linktest.Exec(t, b.Warehouse.Engine, "ALTER TABLE sale RENAME COLUMN net TO gross")
		linktest.InSavepoint(t, tx, func(nested pgx.Tx) {
			into := table(t, nested, q)
			if _, err := s.Load(t.Context(), nested, q, into); redshift.ServerCode(err, redshift.There) != "42703" {
				t.Errorf("a column that is gone there: %v", err)
			}
		})
		linktest.Exec(t, b.Warehouse.Engine, "ALTER TABLE sale RENAME COLUMN gross TO net")
		linktest.InSavepoint(t, tx, func(nested pgx.Tx) {
			into := table(t, nested, q)
			linktest.Exec(t, nested, "ALTER TABLE copy ADD CHECK (id < 400)")
			if _, err := s.Load(t.Context(), nested, q, into); redshift.ServerCode(err, redshift.Here) != "23514" {
				t.Errorf("a row that is refused here: %v", err)
			}
		})
		mustClose(t, s)
	})
}

func canBeAsked(t *testing.T, b *linktest.Bundle, open func(t *testing.T, tx pgx.Tx) read.Session) {
	q := query(t, b, sales)
	b.InTx(t, func(tx pgx.Tx) {
		s := open(t, tx)
		linktest.InSavepoint(t, tx, func(nested pgx.Tx) {
			into := table(t, nested, q)
			linktest.Exec(t, nested, "ALTER TABLE copy ADD CHECK (id < 400)")
			if _, err := s.Load(t.Context(), nested, q, into); err == nil {
				t.Fatal("nothing failed")
			}
		})
		asker, done := s.Asker(t.Context(), tx)
		if asker == nil {
			t.Fatal("nobody to ask")
		}
		got, err := redshift.FindDuplicateKeys(t.Context(), asker, "SELECT 7 AS id UNION ALL SELECT 7", []string{"id"})
		if err != nil || !slices.Equal(got, []string{"id = 7 (2 rows)"}) {
			t.Errorf("got %v, %v", got, err)
		}
		done()
		mustClose(t, s)
	})
}

// endless keeps Redshift busy for longer than any test waits.
const endless = "SELECT COUNT(*) AS n FROM pg_class a, pg_class b, pg_class c, pg_class d, pg_class e"

func endsThere(t *testing.T, b *linktest.Bundle, open func(t *testing.T, tx pgx.Tx) read.Session) {
	q := read.Query{Text: endless, NulBytes: catalog.StripNul}
	kind, err := redshift.Map("bigint")
	if err != nil {
		t.Fatal(err)
	}
	q.Columns = []redshift.Column{{Name: "n", RemoteType: "bigint", Type: kind}}
	pool, err := infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: b.Cache.Config().ConnString()})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	s := open(t, tx)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stop := s.Watch(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- infra.InSavepoint(ctx, tx, func(nested pgx.Tx) error {
			if _, err := nested.Exec(ctx, "CREATE TABLE copy (n bigint)"); err != nil {
				return err
			}
			_, err := s.Load(ctx, nested, q, "copy")
			return err
		})
	}()
	await(t, b, 1)
	cancel()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("an endless query has ended")
		}
		if running := stop(err); running != nil {
			t.Errorf("not known to have ended: %v", running)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it still runs")
	}
	await(t, b, 0)
	_ = s.Close(context.WithoutCancel(ctx)) // it may be closed already
}

// await waits until Redshift runs so many endless queries.
func await(t *testing.T, b *linktest.Bundle, n int) {
	t.Helper()
	awaitCount(t, b, n, `SELECT count(*) FROM pg_stat_activity
		WHERE state = 'active' AND datname = current_database() AND query LIKE '%pg_class e%' AND pid <> pg_backend_pid()`)
}

func leavesNothing(t *testing.T, b *linktest.Bundle, open func(t *testing.T, tx pgx.Tx) read.Session) {
	q := query(t, b, sales)
	b.InTx(t, func(tx pgx.Tx) {
		s := open(t, tx)
		mustLoad(t, s, tx, q, table(t, tx, q))
		mustClose(t, s)
	})
	awaitCount(t, b, 0, `SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND datname = current_database()`, b.Server.User)
}
