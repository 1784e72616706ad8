package doctor_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/doctor"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/refresh"
)

func TestViewPublished(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.add(t, "sales", nil)
	b.wants(t, "view-published", doctor.OK)
	for _, c := range []struct{ do, says string }{
		{"DROP SCHEMA bi CASCADE", "somebody has dropped it"},
		{"ALTER VIEW bi.sales RENAME TO other", "somebody has moved it to bi.other"},
		{"CREATE OR REPLACE VIEW bi.sales AS SELECT NULL::int AS id, NULL::timestamp AS sold_at, NULL::numeric(12,2) AS net", "changed its query"},
	} {
		b.exec(t, c.do)
		b.wants(t, "view-published", doctor.Failed, "view bi.sales", c.says)
		status, err := b.store.Status(t.Context())
		if err != nil || !strings.Contains(status[0].Problem, c.says) {
			t.Errorf("status says %q, %v", status[0].Problem, err)
		}
		if strings.Contains(c.says, "query") {
			b.exec(t, "DROP VIEW bi.sales")
		}
		b.refresh(t, v)
		b.wants(t, "view-published", doctor.OK)
	}
	if row(t, b.pool, `SELECT current_setting('server_version_num')::integer >= 150000`) == "(t)" {
		b.exec(t, "ALTER VIEW bi.sales SET (security_invoker = on)")
		b.wants(t, "view-published", doctor.Failed, "its readers' rights", "RESET (security_invoker)", "SELECT on")
		b.exec(t, "ALTER VIEW bi.sales RESET (security_invoker)")
		b.wants(t, "view-published", doctor.OK)
	}
	b.exec(t, "DROP VIEW bi.sales; CREATE TABLE bi.sales (x int)")
	b.wants(t, "view-published", doctor.Failed, "another relation has its name")
	b.sudo(t, "DROP TABLE bi.sales")
	b.refresh(t, v)
	b.add(t, "ids", func(v *catalog.View) {
		v.Source, v.Kind, v.Link = catalog.Defaults().Source, catalog.LocalSource, catalog.Link{}
		v.Query, v.Strategy, v.Key = "SELECT id FROM bi.sales", catalog.Live, nil
	})
	b.wants(t, "view-published", doctor.OK)
	b.sudo(t, "ALTER VIEW bi.sales OWNER TO postgres")
	b.wants(t, "view-published", doctor.Failed, "view bi.sales", "belongs to postgres")
	b.wants(t, "view-published", doctor.Failed, "view bi.ids", "it is made over bi.sales, which belongs to postgres", "Refresh the input first")
}

// A materialized view without its rows has nothing for its readers but an error: after a restore without Redshift, say.
func TestViewPublished_WithoutItsRows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.add(t, "sales", func(v *catalog.View) { v.Strategy = catalog.Nonconcurrent })
	b.exec(t, "REFRESH MATERIALIZED VIEW "+v.RelationSQL(1)+" WITH NO DATA")
	b.wants(t, "view-published", doctor.Failed, "view bi.sales", "its rows are gone (WITH NO DATA)", "cachectl refresh bi.sales")
	status, err := b.store.Status(t.Context())
	if err != nil || !strings.Contains(status[0].Problem, "its rows are gone") {
		t.Errorf("status says %q, %v", status[0].Problem, err)
	}
	b.refresh(t, v)
	b.wants(t, "view-published", doctor.OK)
}

func TestViewGrantees(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.sudo(t, "CREATE ROLE gone_"+b.name)
	b.add(t, "sales", func(v *catalog.View) { v.Grantees = []string{"public", "gone_" + b.name} })
	b.wants(t, "view-grantees", doctor.OK)
	b.sudo(t, "DROP OWNED BY gone_"+b.name+"; DROP ROLE gone_"+b.name)
	b.wants(t, "view-grantees", doctor.Warning, "view bi.sales", "gone_"+b.name, "alter-view")
}

func TestLeftovers_NamesWhatHoldsThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.add(t, "sales", func(v *catalog.View) { v.Strategy = catalog.Swap })
	b.exec(t, "CREATE VIEW bi.direct AS SELECT * FROM "+v.RelationSQL(1))
	b.refresh(t, v)
	b.wants(t, "leftovers", doctor.Warning, "view bi.direct")
}

// A transaction that was prepared and forgotten holds a view without any session: errors and the doctor name it.
func TestPreparedTransactions(t *testing.T) {
	t.Parallel()
	b := setup(t, "max_prepared_transactions", "5")
	v := b.add(t, "sales", nil)
	b.wants(t, "prepared-transactions", doctor.OK)
	conn, err := pgx.Connect(t.Context(), b.cluster.OwnerURL(b.name))
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.PgConn().Exec(t.Context(), "BEGIN; LOCK TABLE "+v.RelationSQL(1)+" IN EXCLUSIVE MODE; PREPARE TRANSACTION 'it''s forgotten'").ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // on the connection that prepared it
		_, _ = conn.Exec(context.Background(), "ROLLBACK PREPARED 'it''s forgotten'")
		_ = conn.Close(context.Background())
	})
	b.cfg.Idle = time.Nanosecond
	b.wants(t, "prepared-transactions", doctor.Warning, "it''s forgotten", "ROLLBACK PREPARED 'it''s forgotten'", "v1_g1")
	impatient := refresh.NewRunner(b.pool, refresh.Config{Attempts: 1, Patience: 200 * time.Millisecond})
	_, refreshing := impatient.Refresh(t.Context(), refresh.Request{View: v.Name})
	dropping := refresh.NewDefiner(b.pool, impatient).Drop(t.Context(), v.Name)
	for what, err := range map[string]error{"refresh": refreshing, "drop": dropping} {
		if err == nil || !strings.Contains(err.Error(), "it''s forgotten") || !strings.Contains(infra.Hint(err), "ROLLBACK PREPARED") {
			t.Errorf("%s: got %v, hint %q", what, err, infra.Hint(err))
		}
	}
}

func TestStrangeLocks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.add(t, "sales", nil)
	b.wants(t, "strange-locks", doctor.OK)
	ours, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ours.Rollback(context.Background()) }()
	if err := lock.View(t.Context(), ours, v.ID, 0); err != nil {
		t.Fatal(err)
	}
	b.wants(t, "strange-locks", doctor.OK)
	if err := ours.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn := pgtest.Connect(t, b.cluster.ReaderURL(b.name))
	_, err = conn.Exec(t.Context(), `SELECT pg_advisory_lock(oid::int, $1) FROM pg_class WHERE relname = 'view' AND relnamespace = 'redcache'::regnamespace`, v.ID)
	if err != nil {
		t.Fatal(err)
	}
	b.wants(t, "strange-locks", doctor.Failed, "redcache_reader", "pg_terminate_backend")
	run, err := refresh.NewRunner(b.pool, refresh.Config{}).Refresh(t.Context(), refresh.Request{View: v.Name})
	if err != nil || run.State != catalog.Skipped || !strings.Contains(*run.Holder, "user redcache_reader, who has no business with it") {
		t.Errorf("got %+v, %v", run, err)
	}
}
